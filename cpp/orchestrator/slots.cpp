#include "orchestrator/slots.hpp"

#include <tuple>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/constraint.hpp"
#include "model/meaning.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::TaskState;

SlotKey key_of(const model::Task& task) {
  return {task.service_id, task.slot, task.slot == 0 ? task.node_id : NodeId()};
}

std::vector<TaskRef> tasks_of(const store::Store& store, const SlotKey& key) {
  if (key.slot != 0) return store.tasks_in_slot(key.service, key.slot);
  std::vector<TaskRef> out;
  for (const TaskId id : store.tasks_on_node(key.node)) {
    auto task = store.task(id);
    if (task->service_id == key.service && task->slot == 0) out.push_back(std::move(task));
  }
  return out;
}

bool may_run(const store::Store& store, const model::Task& task) {
  if (has_ended(task) && !model::may_still_stop(task)) return false;
  if (task.status.state < TaskState::assigned && !is_wanted(task)) return false;
  if (task.node_id.empty()) return true;
  const auto node = store.node(task.node_id);
  return node && node->status.state != model::NodeState::down;
}

// Of two tasks that were made in one moment, the first is the one that is no longer wanted, or that was
// tried less often: the other follows it.
bool made_before(const TaskRef& a, const TaskRef& b) {
  const auto order = [](const model::Task& task) {
    return std::tuple(task.meta.created_at, is_wanted(task), task.restarts ? task.restarts->attempts : 0,
                      task.id);
  };
  return order(*a) < order(*b);
}

bool node_evicts(const store::Store& store, const model::Task& task) {
  if (task.node_id.empty()) return false;
  const auto node = store.node(task.node_id);
  return !node || (node->evicts_tasks() && !SWARM_MISTAKE("orchestrator.leaves-tasks-on-dead-nodes"));
}

bool node_matches(const model::Service& service, const model::Node& node) {
  if (!service.spec.task.placement) return true;
  const auto constraints = model::parse_constraints(service.spec.task.placement->constraints);
  return constraints.ok() && model::matches(*constraints, node);
}

bool is_outdated(const store::Store& store, const model::Service& service, const model::Task& task) {
  if (task.spec_version == service.spec_version) return false;
  const model::TaskTemplate& made_from = *task.templ;
  if (made_from.endpoint != service.spec.endpoint) return true;
  if (made_from.spec == service.spec.task) return false;
  model::TaskSpec but_for_placement = made_from.spec;
  but_for_placement.placement = service.spec.task.placement;
  if (!model::same_meaning(but_for_placement, service.spec.task)) return true;
  if (model::same_meaning(made_from.spec, service.spec.task)) return false;
  const auto node = store.node(task.node_id);
  return !node || !node_matches(service, *node);
}

model::Task new_task(const store::Store& store, const model::Service& service, const SlotKey& key,
                     TaskState desired, WallTime wall, Rng& rng) {
  model::Task task;
  task.id = TaskId::random(rng);
  task.service_id = service.id;
  task.slot = key.slot;
  task.node_id = key.node;
  task.spec_version = service.spec_version;
  task.desired_state = desired;
  task.status.timestamp = wall;
  task.status.state = TaskState::new_;
  task.status.message = "created";
  if (desired == TaskState::ready) task.restarts = model::held_back(Duration{});
  task.templ = store.task_template(service.id, service.spec_version);
  return task;
}

void take_over(model::Task& task, const model::Task& before, Duration delay, WallTime wall) {
  const bool forgets = SWARM_MISTAKE("orchestrator.forgets-attempts");
  const bool counts_on = task.spec_version == before.spec_version && !forgets;
  task.restarts = counts_on ? model::handed_on(before, delay, wall) : model::held_back(delay);
}

}  // namespace swarm::orchestrator
