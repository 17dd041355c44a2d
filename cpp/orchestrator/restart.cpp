#include "orchestrator/restart.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::TaskState;

namespace {

// Tasks of a log that is older than the record say nothing.
Duration delay_of(const model::Task& task) {
  return task.restarts ? task.restarts->delay : model::restart_delay(task.spec());
}

Duration delay_after(const store::Store& store, const model::Task& task) {
  const auto node = store.node(task.node_id);
  // A drain is no failure: nothing to wait for but the old task's end.
  if (node && node->spec.availability == model::Availability::drain) return {};
  return model::restart_delay(task.spec());
}

}  // namespace

void RestartSupervisor::restart(const store::Store& store, const model::Service& service,
                                const model::Task& task, WallTime wall, Rng& rng, Plan& plan) {
  SWARM_CHECK(is_wanted(task), "task", task.id, "is stopped already");
  plan.desire(task, TaskState::shutdown);
  if (!model::may_restart(task) && !SWARM_MISTAKE("orchestrator.restarts-for-ever")) return;
  // In a start-first update the slot may have its next task already, or that has ended and is restarted
  // itself.
  for (const auto& other : tasks_of(store, key_of(task)))
    if (other->id != task.id && is_wanted(*other) && !is_outdated(store, service, *other)) return;
  model::Task next = new_task(store, service, key_of(task), TaskState::ready, wall, rng);
  take_over(next, task, delay_after(store, task), wall);
  plan.create(std::move(next));
}

void RestartSupervisor::resume(const model::Task& task, Instant now, WallTime wall) {
  if (task.desired_state != TaskState::ready || has_ended(task)) return;
  const Duration age = std::max(Duration{}, wall - task.meta.created_at);
  add(task, now + std::max(Duration{}, delay_of(task) - age), now);
}

void RestartSupervisor::observe(const store::Store&, const store::Change<model::Task>& change, Instant now) {
  const model::Task& task = change.latest();
  if (change.removed() || task.desired_state != TaskState::ready) {
    forget(task.id);
  } else if (change.created()) {
    add(task, now + (SWARM_MISTAKE("orchestrator.restarts-without-delay") ? Duration{} : delay_of(task)),
        now);
  }
  if (change.before && is_wanted(*change.before) && !is_wanted(task)) wait_anew(task, now);
  look_at(key_of(task));
}

// Its grace begins now.
void RestartSupervisor::wait_anew(const model::Task& stopping, Instant now) {
  const auto slot = by_slot_.find(key_of(stopping));
  if (slot == by_slot_.end()) return;
  for (const TaskId id : slot->second) held_.at(id).since = now;
}

void RestartSupervisor::observe_lost_node(const store::Store& store, NodeId node) {
  for (const TaskId id : store.tasks_on_node(node)) look_at(key_of(*store.task(id)));
}

void RestartSupervisor::add(const model::Task& task, Instant start_at, Instant now) {
  SWARM_CHECK(task.desired_state == TaskState::ready, "task", task.id, model::to_string(task.desired_state));
  held_[task.id] = {key_of(task), start_at, now};
  by_slot_[key_of(task)].insert(task.id);
  look_.insert(task.id);
}

void RestartSupervisor::forget(TaskId id) {
  const auto it = held_.find(id);
  if (it == held_.end()) return;
  timers_.erase({it->second.wake, id});
  look_.erase(id);
  const auto slot = by_slot_.find(it->second.key);
  SWARM_CHECK(slot != by_slot_.end() && slot->second.contains(id), "held task", id, "is in no slot");
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

Instant RestartSupervisor::patience(const store::Store& store, TaskId id, const Held& held) const {
  Instant until = held.since;
  for (const auto& other : tasks_of(store, held.key))
    if (other->id != id && !is_wanted(*other) && may_run(store, *other))
      until = std::max(until, held.since + model::old_task_timeout(other->spec()));
  return until;
}

void RestartSupervisor::wake_at(TaskId id, Held& held, Instant until) {
  timers_.erase({held.wake, id});
  held.wake = until;
  timers_.insert({until, id});
}

void RestartSupervisor::release(const store::Store& store, Instant now, Plan& plan) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    look_.insert(timers_.begin()->second);
    timers_.erase(timers_.begin());
  }
  for (auto it = look_.begin(); it != look_.end() && !plan.full();) {
    const TaskId id = *it;
    SWARM_CHECK(held_.contains(id), "task", id, "is not held");
    Held& held = held_.at(id);
    const Instant until = std::max(held.start_at, patience(store, id, held));
    const auto task = store.task(id);
    if (plan.touched(held.key)) {  // as it is after this plan, next time
      ++it;
    } else if (!task || has_ended(*task)) {  // its own restart is another's story
      it = look_.erase(it);
    } else if (until > now && !SWARM_MISTAKE("orchestrator.starts-before-the-old-task-stopped")) {
      wake_at(id, held, until);
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
