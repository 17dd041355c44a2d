#include "orchestrator/restart.hpp"

#include <algorithm>

#include "model/defaults.hpp"

namespace swarm::orchestrator {

using model::RestartCondition;
using model::TaskState;

namespace {

// Restarts in the slot with the task's spec version: all tasks but the first; with a window, those made in
// it.
std::uint64_t restarts(const store::Store& store, const model::Task& task, Duration window) {
  std::vector<TaskRef> history;
  for (const auto& other : tasks_of(store, key_of(task)))
    if (other->spec_version == task.spec_version) history.push_back(other);
  std::sort(history.begin(), history.end(), made_before);
  if (!history.empty()) history.erase(history.begin());
  if (window.ns == 0) return history.size();
  const WallTime end = time_of(task);
  return static_cast<std::uint64_t>(std::count_if(history.begin(), history.end(), [&](const TaskRef& other) {
    return end - other->meta.created_at < window && other->meta.created_at <= end;
  }));
}

Duration delay_after(const store::Store& store, const model::Task& task) {
  const auto node = store.node(task.node_id);
  // A drain is no failure: nothing to wait for but the old task's end.
  if (node && node->spec.availability == model::Availability::drain) return {};
  return model::restart_delay(task.spec());
}

}  // namespace

bool may_restart(const store::Store& store, const model::Task& task) {
  const RestartCondition condition = model::restart_condition(task.spec());
  if (condition == RestartCondition::none) return false;
  if (condition == RestartCondition::on_failure && task.status.state == TaskState::complete) return false;
  if (!task.spec().restart || task.spec().restart->max_attempts == 0) return true;
  const auto& policy = *task.spec().restart;
  return restarts(store, task, policy.window.value_or(Duration{})) < policy.max_attempts;
}

void RestartSupervisor::restart(const store::Store& store, const model::Service& service,
                                const model::Task& task, WallTime wall, Rng& rng, Plan& plan) {
  plan.desire(task, TaskState::shutdown);
  if (!may_restart(store, task)) return;
  // In a start-first update the slot may have its next task already.
  for (const auto& other : tasks_of(store, key_of(task)))
    if (other->id != task.id && other->live() && !is_outdated(store, service, *other)) return;
  model::Task next = new_task(store, service, key_of(task), TaskState::ready, wall, rng);
  hold(next.id, delay_after(store, task));
  plan.create(std::move(next));
}

void RestartSupervisor::resume(const model::Task& task, Instant now, WallTime wall) {
  if (task.desired_state != TaskState::ready || has_ended(task)) return;
  const Duration age = std::max(Duration{}, wall - task.meta.created_at);
  const Duration left = std::max(Duration{}, model::restart_delay(task.spec()) - age);
  add(task, now + left, now + model::kOldTaskTimeout);
}

void RestartSupervisor::observe(const store::Store&, const store::Change<model::Task>& change, Instant now) {
  const model::Task& task = change.latest();
  if (change.removed() || task.desired_state != TaskState::ready) {
    forget(task.id);
  } else if (change.created()) {
    const auto planned = planned_.find(task.id);
    const Duration delay = planned == planned_.end() ? model::restart_delay(task.spec()) : planned->second;
    add(task, now + delay, now + model::kOldTaskTimeout);
  }
  look_at(key_of(task));
}

void RestartSupervisor::observe_lost_node(const store::Store& store, NodeId node) {
  for (const TaskId id : store.tasks_on_node(node)) look_at(key_of(*store.task(id)));
}

void RestartSupervisor::add(const model::Task& task, Instant start_at, Instant give_up) {
  held_[task.id] = {key_of(task), start_at, give_up};
  by_slot_[key_of(task)].insert(task.id);
  look_.insert(task.id);
}

void RestartSupervisor::forget(TaskId id) {
  const auto it = held_.find(id);
  if (it == held_.end()) return;
  timers_.erase({it->second.start_at, id});
  timers_.erase({it->second.give_up, id});
  look_.erase(id);
  const auto slot = by_slot_.find(it->second.key);
  slot->second.erase(id);
  if (slot->second.empty()) by_slot_.erase(slot);
  held_.erase(it);
}

void RestartSupervisor::look_at(const SlotKey& key) {
  if (const auto slot = by_slot_.find(key); slot != by_slot_.end())
    look_.insert(slot->second.begin(), slot->second.end());
}

std::optional<Instant> RestartSupervisor::held_until(TaskId task, Instant now) const {
  const auto it = held_.find(task);
  if (it == held_.end() || it->second.start_at <= now) return std::nullopt;
  return it->second.start_at;
}

bool RestartSupervisor::old_task_runs(const store::Store& store, const model::Task& task) const {
  const auto tasks = tasks_of(store, key_of(task));
  return std::any_of(tasks.begin(), tasks.end(), [&](const TaskRef& other) {
    return other->id != task.id && !is_wanted(*other) && may_run(store, *other);
  });
}

void RestartSupervisor::release(const store::Store& store, Instant now, Plan& plan) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    look_.insert(timers_.begin()->second);
    timers_.erase(timers_.begin());
  }
  for (auto it = look_.begin(); it != look_.end() && !plan.full();) {
    const TaskId id = *it;
    const Held& held = held_.at(id);
    const auto task = store.task(id);
    if (plan.touched(held.key)) {  // as it is after this plan, next time
      ++it;
    } else if (!task || has_ended(*task)) {  // its own restart is another's story
      it = look_.erase(it);
    } else if (held.start_at > now) {
      timers_.insert({held.start_at, id});
      it = look_.erase(it);
    } else if (held.give_up > now && old_task_runs(store, *task)) {
      timers_.insert({held.give_up, id});
      it = look_.erase(it);
    } else {
      plan.desire(*task, TaskState::running);
      ++it;  // until it is seen to be so
    }
  }
}

Instant RestartSupervisor::next_deadline() const {
  return timers_.empty() ? Instant::never() : timers_.begin()->first;
}

}  // namespace swarm::orchestrator
