// Slots: the places that a service's tasks fill. A replicated service has numbered ones, from 1; a global
// service has one per node, number 0. A slot holds one wanted task, or two while an update hands over, and
// the dead ones before.
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

// Not told to stop. It may have ended all the same: then its replacement is due.
inline bool is_wanted(const model::Task& task) { return task.desired_state <= model::TaskState::running; }
inline bool has_ended(const model::Task& task) { return model::is_terminal(task.status.state); }
// May it still run, or come to run, somewhere? A task that no node has, and that is told to stop, may not.
bool may_run(const store::Store& store, const model::Task& task);
// The order in which tasks were made.
bool made_before(const TaskRef& a, const TaskRef& b);

// Is the node gone, down or drained? Never for tasks that have none yet.
bool node_evicts(const store::Store& store, const model::Task& task);
// Does the node satisfy the placement constraints of the service as it is now?
bool node_matches(const model::Service& service, const model::Node& node);

// Does the task need replacing by an update (swarmkit manager/orchestrator/task.go, IsTaskDirty)? Not when
// only the placement differs and its node still fits; replica counts, labels and update settings touch no
// task.
bool is_outdated(const store::Store& store, const model::Service& service, const model::Task& task);

// A fresh task of the service's current version. With desired READY it waits for the end of those before it.
model::Task new_task(const store::Store& store, const model::Service& service, const SlotKey& key,
                     model::TaskState desired, WallTime wall, Rng& rng);
// The same after `before`, whose restarts it goes on counting when it is of the same version.
void take_over(model::Task& task, const model::Task& before, Duration delay, WallTime wall);

}  // namespace swarm::orchestrator
