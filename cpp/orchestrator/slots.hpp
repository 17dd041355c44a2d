// Slots: the places that a service's tasks fill. A replicated service has numbered ones, from 1; a global
// service has one per node, number 0. A slot holds one wanted task, or two while an update hands over, and
// the dead ones before them.
#pragma once

#include <compare>
#include <vector>

#include "base/rng.hpp"
#include "model/restart.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using TaskRef = store::Ref<model::Task>;

struct SlotKey {
  ServiceId service;
  std::uint64_t slot = 0;
  NodeId node;  // global services only
  auto operator<=>(const SlotKey&) const = default;
};

SlotKey key_of(const model::Task& task);
std::vector<TaskRef> tasks_of(const store::Store& store, const SlotKey& key);

// Returns true if the task is meant to run. It may have ended all the same: then its replacement is due.
inline bool is_wanted(const model::Task& task) { return task.desired_state <= model::TaskState::running; }
inline bool has_ended(const model::Task& task) { return model::is_terminal(task.status.state); }
// Returns true while a process exists or may still be started; false for an unassigned task with desired
// state SHUTDOWN.
bool may_run(const store::Store& store, const model::Task& task);
// The order in which tasks were made.
bool made_before(const TaskRef& a, const TaskRef& b);

// Returns true if the task's node is gone, down or drained; false for a task that has no node yet.
bool node_evicts(const store::Store& store, const model::Task& task);
// Returns true if the node satisfies the placement constraints of the service as it is now.
bool node_matches(const model::Service& service, const model::Node& node);

// Returns true if an update must replace the task (swarmkit manager/orchestrator/task.go, IsTaskDirty): not
// when only the placement differs and its node still fits; replica counts, labels and update settings touch
// no task.
bool is_outdated(const store::Store& store, const model::Service& service, const model::Task& task);

// A fresh task of the service's current version. With desired READY it waits for the end of those before it.
model::Task new_task(const store::Store& store, const model::Service& service, const SlotKey& key,
                     model::TaskState desired, WallTime wall, Rng& rng);
// The same after `before`, whose restarts it goes on counting when it is of the same version.
void take_over(model::Task& task, const model::Task& before, Duration delay, WallTime wall);

}  // namespace swarm::orchestrator
