// What a task takes over from those before it in its slot, so that restarts are counted without any history,
// and what follows from that: may another task follow one that ended?
//
// Only a task that ended by itself costs a restart attempt. One that was told to stop, lost its node or had
// to move is followed for nothing. A new spec version begins to count anew. NOT here: when a successor is
// made (orchestrator/restart).
#pragma once

#include <string>

#include "model/task.hpp"

namespace swarm::model {

// Messages of a status that say: this end was not the task's own.
inline constexpr const char* kNoLongerFits = "task rejected by constraint enforcer";
// The same until its node says that it has stopped: a status says so earlier than the process ends.
inline constexpr const char* kHasToMove = "task rejected by constraint enforcer, and told to stop";
inline constexpr const char* kLostWithNode = "lost with its node";

// It completed, failed, or was rejected by its node.
bool ended_by_itself(const Task& task);
// Its node no longer fits, and may still run it: its grace is not over, or nobody has said so.
bool may_still_stop(const Task& task);
// Its status once its node has said that it runs no more.
TaskStatus moved_away(const Task& task);
// When it ended, by the clock of the manager that stored it, or else by its node's.
WallTime time_of(const Task& task);

// How many restarts led to this task, as far as they still count when it ends. The window is time in which
// tasks ran: the restart delay, in which nothing could fail, is no part of it. A window that is not longer
// than the delay has no room for two restarts: then it says how long a task has to run until its restart has
// succeeded.
std::uint64_t attempts_made(const Task& task);
// It ended by itself, and the policy allows no further attempt.
bool attempts_used_up(const Task& task);
// Does the policy of an ended task, or of one that is told to stop, allow another one after it?
bool may_restart(const Task& task);
// The error of its status; of the last task of its slot also that it is the last.
std::string error_of(const Task& task);

// What a task of the same spec version takes over from `before` when it is made at `wall`, to be held back
// for `delay`.
std::shared_ptr<const RestartRecord> handed_on(const Task& before, Duration delay, WallTime wall);
// The record of a task that takes over nothing.
std::shared_ptr<const RestartRecord> held_back(Duration delay);

}  // namespace swarm::model
