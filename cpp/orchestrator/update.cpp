#include "orchestrator/update.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::FailureAction;
using model::TaskState;
using model::UpdateConfig;
using model::UpdateOrder;
using model::UpdateState;

namespace {

constexpr const char* kBecause = " due to failure or early termination of task ";
constexpr const char* kRolledBack = "update rolled back";

bool is_rolling_back(const model::Service& service) {
  return service.update_status && service.update_status->state == UpdateState::rollback_started;
}

bool is_paused(const model::Service& service) {
  return service.update_status && (service.update_status->state == UpdateState::paused ||
                                   service.update_status->state == UpdateState::rollback_paused);
}

bool is_under_way(const model::Service& service) {
  return service.update_status && (service.update_status->state == UpdateState::updating ||
                                   service.update_status->state == UpdateState::rollback_started);
}

UpdateConfig config_of(const model::Service& service) {
  const auto& given = is_rolling_back(service) ? service.spec.rollback : service.spec.update;
  return given.value_or(model::default_update_config());
}

// A delay as long as the monitor period would end the watch on a slot before the next one begins
// (moby#37972).
Duration monitor_of(const UpdateConfig& config) {
  const Duration monitor = model::monitor_period(config);
  return config.delay >= monitor ? config.delay + Duration::seconds(1) : monitor;
}

std::vector<TaskRef> wanted_of(const store::Store& store, const SlotKey& key) {
  std::vector<TaskRef> out;
  for (auto& task : tasks_of(store, key))
    if (is_wanted(*task)) out.push_back(std::move(task));
  return out;
}

bool needs_update(const store::Store& store, const model::Service& service, const SlotKey& key) {
  const auto tasks = tasks_of(store, key);
  std::vector<TaskRef> live;
  for (const auto& task : tasks)
    if (task->live()) live.push_back(task);
  if (live.size() > 1) return true;
  if (live.size() == 1) return is_outdated(store, service, *live.front());
  // Nothing runs here and nothing is to be restarted: a newer spec is a new chance.
  const auto newest = std::max_element(tasks.begin(), tasks.end(), made_before);
  return newest != tasks.end() && is_outdated(store, service, **newest);
}

// The task of the current spec that stays: the one furthest on its way.
TaskRef best_clean(const store::Store& store, const model::Service& service,
                   const std::vector<TaskRef>& wanted) {
  TaskRef best;
  for (const auto& task : wanted) {
    if (has_ended(*task) || is_outdated(store, service, *task)) continue;
    const bool further = !best || std::pair(task->desired_state, task->status.state) >
                                      std::pair(best->desired_state, best->status.state);
    if (further) best = task;
  }
  return best;
}

// Why an ended task is a failure: its error, or that it ended although it had none.
std::string reason(const model::Task& task) {
  if (!task.status.err.empty()) return task.status.err;
  return "task: ended early, exit (" + std::to_string(task.status.container.exit_code) + ")";
}

}  // namespace

bool exceeds_ratio(std::uint64_t failures, std::uint64_t slots, double ratio) {
  constexpr std::uint64_t kMillion = 1'000'000;
  if (!(ratio > 0)) return failures > 0;  // not a number: neither more nor less, so the careful way
  if (ratio >= 1) return failures > slots;
  return failures * kMillion > static_cast<std::uint64_t>(std::llround(ratio * kMillion)) * slots;
}

bool UpdateSupervisor::is_of(const Update& update, const model::Service& service) {
  return update.spec_version == service.spec_version && update.rolling_back == is_rolling_back(service);
}

// ---- what happened

void UpdateSupervisor::reconcile(const store::Store& store, const model::Service& service,
                                 const std::vector<SlotKey>& slots) {
  if (is_paused(service)) return;
  std::vector<SlotKey> outdated;
  for (const SlotKey& key : slots)
    if (needs_update(store, service, key)) outdated.push_back(key);
  auto it = updates_.find(service.id);
  if (it != updates_.end() && !is_of(it->second, service)) {
    updates_.erase(it);
    it = updates_.end();
  }
  if (it == updates_.end()) {
    if (outdated.empty() && !is_under_way(service)) return;
    it = updates_.emplace(service.id, Update{}).first;
    it->second.spec_version = service.spec_version;
    it->second.rolling_back = is_rolling_back(service);
    it->second.slots = outdated.size();
    // Nothing to do: complete at once.
    if (outdated.empty()) it->second.done_at = Instant{};
  }
  Update& update = it->second;
  for (const SlotKey& key : outdated)
    if (!update.in_hand.contains(key) && !update.lagging.contains(key)) update.todo.insert(key);
  look_.insert(service.id);
}

void UpdateSupervisor::observe(const store::Change<model::Service>& change) {
  const ServiceId id = change.latest().id;
  const auto it = updates_.find(id);
  if (it == updates_.end()) return;
  if (change.removed() || is_paused(*change.after) || !is_of(it->second, *change.after)) {
    updates_.erase(it);
    look_.erase(id);
  } else {
    look_.insert(id);
  }
}

void UpdateSupervisor::observe(const store::Store& store, const store::Change<model::Task>& change,
                               Instant now) {
  const model::Task& task = change.latest();
  const auto it = updates_.find(task.service_id);
  if (it == updates_.end()) return;
  Update& update = it->second;
  const SlotKey key = key_of(task);
  if (change.created() && planned_.contains(task.id)) {
    update.fresh[task.id] = {};
    update.todo.erase(key);
    update.lagging.erase(key);
    update.in_hand[key] = {task.id, Step::waiting, {}};
  }
  if (const auto service = store.service(task.service_id); service && change.after)
    note_fresh(*service, update, task, now);
  if (update.in_hand.contains(key) || update.lagging.contains(key)) {
    update.look.insert(key);
    look_.insert(task.service_id);
  }
  if (change.removed()) update.fresh.erase(task.id);
}

// A new task that the swarm stops, or that is lost with its node, is no failure of the update.
void UpdateSupervisor::note_fresh(const model::Service& service, Update& update, const model::Task& task,
                                  Instant now) {
  const auto it = update.fresh.find(task.id);
  if (it == update.fresh.end()) return;
  std::optional<Instant>& ran_at = it->second.ran_at;
  if (task.status.state == TaskState::running && !ran_at) ran_at = now;
  if (!is_wanted(task) && !has_ended(task)) update.fresh.erase(it);
  if (!has_ended(task)) return;
  if (!model::ended_by_itself(task)) return void(update.fresh.erase(it));
  const UpdateConfig config = config_of(service);
  const bool early = !ran_at || now - *ran_at <= monitor_of(config);
  update.fresh.erase(it);
  if (!early || config.failure_action == FailureAction::continue_) return;
  if (exceeds_ratio(++update.failures, update.slots, config.max_failure_ratio)) {
    if (!update.last_straw) update.last_straw = LastStraw{task.id, reason(task)};
    look_.insert(service.id);
  }
}

void UpdateSupervisor::withdraw(const SlotKey& key) {
  const auto it = updates_.find(key.service);
  if (it == updates_.end()) return;
  Update& update = it->second;
  if (const auto held = update.in_hand.find(key); held != update.in_hand.end()) {
    update.rests.erase({held->second.rest_until, key});
    update.in_hand.erase(held);
  }
  update.todo.erase(key);
  update.look.erase(key);
  update.lagging.erase(key);
  look_.insert(key.service);
}

// ---- one service at a time

struct UpdateSupervisor::Round {
  const store::Store& store;
  const model::Service& service;
  const UpdateConfig config;
  Update& update;
  std::map<TaskId, ServiceId>& planned;
  const Instant now;
  const WallTime wall;
  Rng& rng;
  Plan& plan;

  void run();
  void begin();
  void fail(const LastStraw& last_straw);
  void complete();
  void wake_rested();
  void look_at_slots();
  void begin_slots();
  bool hand_over(const SlotKey& key);
  bool has_failed(const SlotKey& key) const;
  void rest(const SlotKey& key);
  void replace(const SlotKey& key, const std::vector<TaskRef>& wanted);
  std::size_t planned_here() const;
};

void UpdateSupervisor::Round::run() {
  if (update.last_straw) return fail(*update.last_straw);
  if (!service.update_status && !update.is_finished()) begin();
  wake_rested();
  look_at_slots();
  begin_slots();
  if (!update.is_finished()) {
    update.done_at.reset();
    return;
  }
  if (!update.done_at) update.done_at = now + monitor_of(config);
  if (*update.done_at <= now) complete();
}

void UpdateSupervisor::Round::begin() {
  model::Service next = service;
  next.update_status = model::UpdateStatus{UpdateState::updating, wall, std::nullopt, "update in progress"};
  plan.put(std::move(next));
}

// Docker's texts, and why. A rollback that fails is not rolled back again: it pauses.
void UpdateSupervisor::Round::fail(const LastStraw& last_straw) {
  SWARM_CHECK(update.failures > 0, "the update of service", service.id, "has not failed");
  const std::string because = std::string(kBecause) + last_straw.task.str() + ": " + last_straw.why;
  model::Service next = service;
  model::UpdateStatus status = service.update_status.value_or(model::UpdateStatus{{}, wall, {}, {}});
  const bool roll_back = config.failure_action == FailureAction::rollback;
  if (roll_back && !update.rolling_back && service.previous_spec) {
    status = {UpdateState::rollback_started, wall, std::nullopt, kRolledBack + because};
    if (!SWARM_MISTAKE("orchestrator.rolls-back-to-the-new-spec")) next.spec = *service.previous_spec;
    next.spec_version = service.previous_spec_version;
    next.previous_spec.reset();
    next.previous_spec_version = 0;
  } else {
    status.state = update.rolling_back ? UpdateState::rollback_paused : UpdateState::paused;
    status.message = (roll_back && update.rolling_back ? "rollback paused" : "update paused") + because;
  }
  next.update_status = std::move(status);
  plan.put(std::move(next));
}

void UpdateSupervisor::Round::complete() {
  SWARM_CHECK(update.is_finished(), "slots of service", service.id, "are left");
  if (!service.update_status || !is_under_way(service)) return;
  model::Service next = service;
  model::UpdateStatus status = *service.update_status;
  status.state = update.rolling_back ? UpdateState::rollback_completed : UpdateState::completed;
  std::string& message = status.message;
  if (!update.rolling_back) {
    message = "update completed";
  } else if (message.starts_with(kRolledBack)) {  // by itself: what made it do so stays to be read
    message = "rollback completed: " + message;
  } else {
    message = "rollback completed";
  }
  status.completed_at = wall;
  next.update_status = std::move(status);
  plan.put(std::move(next));
}

void UpdateSupervisor::Round::wake_rested() {
  while (!update.rests.empty() && update.rests.begin()->first <= now) {
    const std::size_t rested = update.in_hand.erase(update.rests.begin()->second);
    SWARM_CHECK(rested == 1, "a slot of service", service.id, "rests, and is not in hand");
    update.rests.erase(update.rests.begin());
  }
}

void UpdateSupervisor::Round::look_at_slots() {
  for (auto it = update.look.begin(); it != update.look.end() && !plan.full();)
    it = hand_over(*it) ? update.look.erase(it) : std::next(it);
}

std::size_t UpdateSupervisor::Round::planned_here() const {
  return static_cast<std::size_t>(std::count_if(
      planned.begin(), planned.end(), [this](const auto& one) { return one.second == service.id; }));
}

void UpdateSupervisor::Round::begin_slots() {
  std::size_t in_hand = update.in_hand.size() + planned_here();
  for (auto it = update.todo.begin(); it != update.todo.end() && !plan.full();) {
    const bool too_many = config.parallelism != 0 && in_hand >= config.parallelism;
    if (too_many && !SWARM_MISTAKE("orchestrator.updates-all-at-once")) return;
    const SlotKey key = *it;
    SWARM_CHECK(!update.in_hand.contains(key), "slot", key.slot, "of service", key.service, "is in hand");
    if (plan.touched(key)) {
      ++it;
      continue;
    }
    if (!needs_update(store, service, key)) {
      it = update.todo.erase(it);
      continue;
    }
    const auto wanted = wanted_of(store, key);
    ++in_hand;
    if (const auto clean =
            best_clean(store, service, wanted)) {  // a restart, or the leader before, has made the new task
      it = update.todo.erase(it);
      update.in_hand[key] = {clean->id, Step::waiting, {}};
      if (!hand_over(key)) update.look.insert(key);
    } else {
      replace(key, wanted);
      ++it;  // until the new task is seen
    }
  }
}

void UpdateSupervisor::Round::replace(const SlotKey& key, const std::vector<TaskRef>& wanted) {
  const bool start_first = config.order == UpdateOrder::start_first;
  // Start first: one task stays until the new one runs; what an update before this one has doubled does not.
  TaskRef stays;
  if (start_first)
    for (const auto& old : wanted)
      if (old->live() && (!stays || stays->status.state < old->status.state)) stays = old;
  for (const auto& old : wanted)
    if (old != stays) plan.desire(*old, TaskState::shutdown);
  model::Task next =
      new_task(store, service, key, start_first ? TaskState::running : TaskState::ready, wall, rng);
  planned[next.id] = service.id;
  plan.create(std::move(next));
}

void UpdateSupervisor::Round::rest(const SlotKey& key) {
  update.lagging.erase(key);
  const auto it = update.in_hand.find(key);
  if (it == update.in_hand.end() || it->second.step == Step::resting) return;
  if (config.delay.ns == 0 || SWARM_MISTAKE("orchestrator.updates-without-delay")) {
    update.in_hand.erase(it);
  } else {
    it->second.step = Step::resting;
    it->second.rest_until = now + config.delay;
    update.rests.insert({it->second.rest_until, key});
  }
}

// Returns true if the slot's new task failed. A task that was stopped because its node was lost does not
// count; its replacement does.
bool UpdateSupervisor::Round::has_failed(const SlotKey& key) const {
  const auto held = update.in_hand.find(key);
  const auto task = held == update.in_hand.end() ? nullptr : store.task(held->second.task);
  return task && model::ended_by_itself(*task);
}

// One look at a slot in hand. False: something was planned (or may not be yet), look again when it has
// happened.
bool UpdateSupervisor::Round::hand_over(const SlotKey& key) {
  if (plan.touched(key)) return false;
  const auto wanted = wanted_of(store, key);
  const TaskRef clean = best_clean(store, service, wanted);
  const bool others = std::any_of(wanted.begin(), wanted.end(),
                                  [&](const TaskRef& task) { return task != clean && task->live(); });
  if (!clean || has_failed(key)) {
    // Its restart is not ours to wait for. An old task that still runs stays until a new one does.
    rest(key);
    if (others) update.lagging.insert(key);
    if (!clean) return true;
  } else if (const auto held = update.in_hand.find(key); held != update.in_hand.end()) {
    held->second.task = clean->id;
  }
  const bool runs = clean->status.state == TaskState::running;
  const bool waits = config.order == UpdateOrder::start_first && !runs;
  const bool new_one_first = waits && !SWARM_MISTAKE("orchestrator.stops-first-always");
  if (others && !new_one_first) {
    for (const auto& old : wanted)
      if (old != clean) plan.desire(*old, TaskState::shutdown);
    return false;
  }
  if (runs) rest(key);
  return true;
}

// ---- all of them

void UpdateSupervisor::plan(const store::Store& store, Instant now, WallTime wall, Rng& rng, Plan& plan) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    look_.insert(timers_.begin()->second);
    timer_of_.erase(timers_.begin()->second);
    timers_.erase(timers_.begin());
  }
  for (auto it = look_.begin(); it != look_.end() && !plan.full();) {
    const ServiceId id = *it;
    const auto service = store.service(id);
    const auto found = updates_.find(id);
    if (!service || found == updates_.end() || is_paused(*service) || !is_of(found->second, *service)) {
      updates_.erase(id);
      it = look_.erase(it);
      continue;
    }
    Update& update = found->second;
    const std::size_t before = plan.size();
    Round{store, *service, config_of(*service), update, planned_, now, wall, rng, plan}.run();
    if (plan.size() != before || plan.touches(id) || plan.full()) {
      ++it;  // look again when it has happened
      continue;
    }
    if (update.done_at && *update.done_at <= now) {
      updates_.erase(found);
    } else {
      set_timer(id, update);
    }
    it = look_.erase(it);
  }
}

void UpdateSupervisor::set_timer(ServiceId id, Update& update) {
  if (const auto old = timer_of_.find(id); old != timer_of_.end()) {
    timers_.erase({old->second, id});
    timer_of_.erase(old);
  }
  Instant next = update.done_at.value_or(Instant::never());
  if (!update.rests.empty()) next = std::min(next, update.rests.begin()->first);
  if (next == Instant::never()) return;
  timer_of_[id] = next;
  timers_.insert({next, id});
  SWARM_CHECK(timers_.size() == timer_of_.size(), timers_.size(), "timers of", timer_of_.size(), "services");
}

Instant UpdateSupervisor::next_deadline() const {
  return timers_.empty() ? Instant::never() : timers_.begin()->first;
}

}  // namespace swarm::orchestrator
