#include "orchestrator/global.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"

namespace swarm::orchestrator {

using model::Availability;
using model::TaskState;

namespace {

// May the service have a task there at all?
bool is_place(const model::Service& service, const model::Node& node) {
  return !node.evicts_tasks() && node_matches(service, node);
}

// Facts that decide where tasks of global services belong.
bool differs(const model::Node& a, const model::Node& b) {
  return a.spec != b.spec || a.description != b.description || a.role != b.role ||
         a.status.state != b.status.state || a.status.addr != b.status.addr;
}

}  // namespace

void GlobalOrchestrator::replace(const View& view, const model::Service& service, const model::Task& task) {
  const auto node = view.store.node(task.node_id);
  const bool stays = node && node->spec.availability == Availability::active && is_place(service, *node);
  if (stays) {
    restarts_.restart(view.store, service, task, view.wall, rng_, view.plan);
  } else {
    view.plan.desire(task, TaskState::shutdown);
  }
}

void GlobalOrchestrator::observe_node(const store::Change<model::Node>& change) {
  if (!change.before || !change.after || differs(*change.before, *change.after))
    changed_nodes_.insert(change.latest().id);
}

void GlobalOrchestrator::reconcile_nodes(const View& view) {
  for (auto it = changed_nodes_.begin(); it != changed_nodes_.end() && !view.plan.full();) {
    const std::size_t before = view.plan.size();
    reconcile_node(view, *it);
    const bool quiet = view.plan.size() == before && !view.plan.full();
    it = quiet ? changed_nodes_.erase(it) : std::next(it);
  }
}

void GlobalOrchestrator::reconcile_node(const View& view, NodeId id) {
  const auto node = view.store.node(id);
  for (const auto& [service_id, service] : view.store.services()) {
    if (view.plan.full()) return;
    const SlotKey key{service_id, 0, id};
    if (!handles(*service)) continue;
    const auto tasks = tasks_of(view.store, key);
    if (!node) {
      for (const auto& task : tasks) view.plan.remove(*task);
    } else if (view.plan.touched(key)) {
      mark(service_id);
    } else if (!fit(view, *service, *node)) {
      updates_.withdraw(key);
    } else if (std::any_of(tasks.begin(), tasks.end(), [&](const TaskRef& task) {
                 return is_wanted(*task) && is_outdated(view.store, *service, *task);
               })) {
      mark(service_id);  // it missed an update while it was away
    }
  }
}

void GlobalOrchestrator::reconcile(const View& view, const model::Service& service) {
  std::vector<SlotKey> kept;
  for (const auto& [id, node] : view.store.nodes()) {
    if (view.plan.full()) return;
    const SlotKey key{service.id, 0, id};
    if (view.plan.touched(key)) continue;
    if (fit(view, service, *node)) {
      kept.push_back(key);
    } else {
      updates_.withdraw(key);
    }
  }
  clear_lost_nodes(view, service);
  updates_.reconcile(view.store, service, kept);
}

bool GlobalOrchestrator::fit(const View& view, const model::Service& service, const model::Node& node) {
  const SlotKey key{service.id, 0, node.id};
  SWARM_CHECK(!view.plan.touched(key), "service", service.id, "on node", node.id, "is planned already");
  const auto tasks = tasks_of(view.store, key);
  const bool wanted =
      std::any_of(tasks.begin(), tasks.end(), [](const TaskRef& task) { return is_wanted(*task); });
  handover_.look_at(key, tasks);
  if (!is_place(service, node)) {
    for (const auto& task : tasks)
      if (is_wanted(*task)) view.plan.desire(*task, TaskState::shutdown);
    return false;
  }
  if (node.spec.availability != Availability::active) return false;
  if (wanted) return true;
  // Its last task has run its course; only an update makes another. One that was stopped with its node is no
  // such end.
  const auto newest = std::max_element(tasks.begin(), tasks.end(), made_before);
  if (newest != tasks.end() && (*newest)->status.state != TaskState::shutdown && has_ended(**newest) &&
      (*newest)->desired_state == TaskState::shutdown && !model::may_restart(**newest))
    return true;
  const bool waits = std::any_of(tasks.begin(), tasks.end(),
                                 [&](const TaskRef& task) { return may_run(view.store, *task); });
  auto task =
      new_task(view.store, service, key, waits ? TaskState::ready : TaskState::running, view.wall, rng_);
  if (newest != tasks.end()) take_over(task, **newest, Duration{}, view.wall);
  view.plan.create(std::move(task));
  return true;
}

// "Node deleted: its tasks are deleted from the store."
void GlobalOrchestrator::clear_lost_nodes(const View& view, const model::Service& service) {
  for (const auto& [slot, id] : view.store.tasks_of_service(service.id)) {
    if (view.plan.full()) return;
    const auto task = view.store.task(id);
    if (!view.store.node(task->node_id)) view.plan.remove(*task);
  }
}

}  // namespace swarm::orchestrator
