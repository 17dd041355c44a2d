#include "orchestrator/service_loop.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <variant>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::TaskState;

void ServiceLoop::start(const store::Store& store, Instant now, WallTime wall) {
  for (const auto& [id, service] : store.services())
    if (handles(*service)) dirty_.insert(id);
  for (const auto& [id, slots] : store.service_index())
    if (!store.service(id) && handles_slot(slots.begin()->first)) gone_.insert(id);
  for (const auto& [id, task] : store.tasks()) {
    if (!handles_slot(task->slot)) continue;
    note_task(store, *task);
    restarts_.resume(*task, now, wall);
  }
}

void ServiceLoop::observe(const store::Store& store, const store::ChangeSet& changes, Instant now) {
  for (const auto& change : changes.changes)
    std::visit([&](const auto& one) { observe_change(store, one, now); }, change);
}

void ServiceLoop::observe_change(const store::Store&, const store::Change<model::Service>& change, Instant) {
  const model::Service& service = change.latest();
  if (!handles(service)) return;
  updates_.observe(change);
  if (change.removed()) {
    dirty_.erase(service.id);
    if (!SWARM_MISTAKE("orchestrator.leaves-tasks-of-removed-services")) gone_.insert(service.id);
  } else {
    dirty_.insert(service.id);
  }
}

void ServiceLoop::observe_change(const store::Store& store, const store::Change<model::Task>& change,
                                 Instant now) {
  const model::Task& task = change.latest();
  if (!handles_slot(task.slot)) return;
  restarts_.observe(store, change, now);
  handover_.observe(store, change);
  updates_.observe(store, change, now);
  if (!change.removed()) {
    note_task(store, task);
  } else if (is_wanted(task) && store.service(task.service_id)) {
    dirty_.insert(task.service_id);  // removed by another loop
  }
}

void ServiceLoop::observe_change(const store::Store& store, const store::Change<model::Node>& change,
                                 Instant) {
  const model::Node& node = change.latest();
  const bool lost = change.removed() || node.evicts_tasks();
  if (lost) {
    restarts_.observe_lost_node(store, node.id);
    look_at_tasks_on(store, node.id);
  }
  observe_node(change);
}

void ServiceLoop::look_at_tasks_on(const store::Store& store, NodeId node) {
  for (const TaskId id : store.tasks_on_node(node))
    if (const auto task = store.task(id); handles_slot(task->slot)) note_task(store, *task);
}

void ServiceLoop::note_task(const store::Store& store, const model::Task& task) {
  if (task.service_id.empty()) return;
  if (!store.service(task.service_id)) {
    if (task.desired_state < TaskState::remove) gone_.insert(task.service_id);
  } else if (is_wanted(task) && (has_ended(task) || node_evicts(store, task))) {
    ended_.insert(task.id);
  }
}

std::optional<model::Transaction> ServiceLoop::plan(const store::Store& store, Instant now, WallTime wall) {
  Plan plan;
  const View view{store, now, wall, plan};
  clear_gone(view);
  replace_ended(view);
  handover_.plan(store, plan);
  restarts_.release(store, now, plan);
  reconcile_dirty(view);
  reconcile_nodes(view);
  updates_.plan(store, now, wall, rng_, plan);
  auto transaction = plan.take();
  if (transaction) transaction->time = wall;
  return transaction;
}

// "Service removed: all its tasks -> desired REMOVE" (swarmkit manager/orchestrator/service.go).
void ServiceLoop::clear_gone(const View& view) {
  for (auto it = gone_.begin(); it != gone_.end() && !view.plan.full();) {
    bool done = true;
    for (const auto& [slot, id] : view.store.tasks_of_service(*it)) {
      const auto task = view.store.task(id);
      if (task->desired_state >= TaskState::remove) continue;
      done = false;
      if (view.plan.full()) break;
      view.plan.desire(*task, TaskState::remove);
    }
    it = done ? gone_.erase(it) : std::next(it);
  }
}

void ServiceLoop::replace_ended(const View& view) {
  while (!ended_held_.empty() && ended_held_.begin()->first <= view.now) {
    ended_.insert(ended_held_.begin()->second);
    ended_held_.erase(ended_held_.begin());
  }
  for (auto it = ended_.begin(); it != ended_.end() && !view.plan.full();) {
    const auto task = view.store.task(*it);
    const auto service = task ? view.store.service(task->service_id) : nullptr;
    const bool ended = task && has_ended(*task);
    if (!service || !is_wanted(*task) || (!ended && !node_evicts(view.store, *task))) {
      it = ended_.erase(it);
      continue;
    }
    // A replacement that fails in its start delay is not replaced before that is over: else it would be a
    // storm.
    if (const auto until = restarts_.held_until(*it, view.now); ended && until) {
      ended_held_.insert({*until, *it});
      it = ended_.erase(it);
      continue;
    }
    if (!view.plan.touched(key_of(*task))) replace(view, *service, *task);
    ++it;  // until the store says that it is stopped
  }
}

void ServiceLoop::reconcile_dirty(const View& view) {
  for (auto it = dirty_.begin(); it != dirty_.end() && !view.plan.full();) {
    const auto service = view.store.service(*it);
    const std::size_t before = view.plan.size();
    SWARM_CHECK(!service || handles(*service), "service", *it, "is of the other mode");
    if (service) reconcile(view, *service);
    const bool quiet = view.plan.size() == before && !view.plan.touches(*it) && !view.plan.full();
    it = quiet ? dirty_.erase(it) : std::next(it);
  }
}

void ServiceLoop::settled(const store::Store&, const model::Outcome&, Instant) { updates_.settled(); }

Instant ServiceLoop::next_deadline() const {
  Instant next = std::min(restarts_.next_deadline(), updates_.next_deadline());
  if (!ended_held_.empty()) next = std::min(next, ended_held_.begin()->first);
  return next;
}

}  // namespace swarm::orchestrator
