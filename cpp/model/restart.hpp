// What a task takes over from its predecessors in its slot, so that restarts are counted without any history;
// and what follows from it: whether another task may follow one that ended.
//
// Only a task that ended by itself costs a restart attempt. The successor of a task that the swarm stopped,
// that lost its node or that had to move costs nothing. A new spec version begins to count anew. NOT here:
// when a successor is made (orchestrator/restart).
#pragma once

#include <string>

#include "model/task.hpp"

namespace swarm::model {

// Messages of a status. They say that the task did not end by itself.
inline constexpr const char* kNoLongerFits = "task rejected by constraint enforcer";
// The same until its node reports that it has stopped: this status is written before the process ends.
inline constexpr const char* kHasToMove = "task rejected by constraint enforcer, and told to stop";
inline constexpr const char* kLostWithNode = "lost with its node";

// Returns true if it completed, failed, or was rejected by its node.
bool ended_by_itself(const Task& task);
// Returns true if its node no longer fits and may still run it: the node has not yet reported that it
// stopped.
bool may_still_stop(const Task& task);
// Returns its status for when its node has reported that it stopped.
TaskStatus moved_away(const Task& task);
// Returns when it ended, by the clock of the manager that stored it, or else by its node's.
WallTime time_of(const Task& task);

// Returns how many restarts led to this task, as far as they still count when it ends. The window is time in
// which tasks ran: the restart delay, in which nothing could fail, is no part of it. A window that is not
// longer than the delay has no room for two restarts: then it is how long a task must run until its restart
// counts as successful.
std::uint64_t attempts_made(const Task& task);
// Returns true if it ended by itself and the policy allows no further attempt.
bool attempts_used_up(const Task& task);
// Returns true if the policy of this task, which has ended or is to stop, allows another one after it.
bool may_restart(const Task& task);
// Returns the error of its status; where no other task may follow, with a note that the restart attempts are
// used up.
std::string error_of(const Task& task);

// Returns what a task of the same spec version takes over from `before`. It is made at `wall` and held back
// for `delay`.
std::shared_ptr<const RestartRecord> handed_on(const Task& before, Duration delay, WallTime wall);
// Returns the record of a task that takes over nothing.
std::shared_ptr<const RestartRecord> held_back(Duration delay);

}  // namespace swarm::model
