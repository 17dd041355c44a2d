#include "orchestrator/task_reaper.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <variant>
#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::TaskState;

namespace {

constexpr Duration kBatch = Duration::millis(250);
constexpr std::size_t kEnough = 1'000;

bool is_to_be_buried(const store::Store& store, const model::Task& task) {
  if (task.status.state == TaskState::orphaned && !store.service(task.service_id)) return true;
  if (task.desired_state != TaskState::remove) return false;
  return task.status.state < TaskState::assigned || task.status.state >= TaskState::complete ||
         !store.node(task.node_id);
}

bool is_over(const model::Task& task) {
  return !is_wanted(task) && (has_ended(task) || task.status.state < TaskState::assigned);
}

// Negative: all of them.
std::int64_t history_limit(const store::Store& store) {
  return store.cluster() != nullptr ? store.cluster()->spec.task_history_retention_limit
                                    : model::kTaskHistoryLimit;
}

void prune(const store::Store& store, const SlotKey& key, Plan& plan) {
  if (!store.service(key.service) || SWARM_MISTAKE("orchestrator.buries-no-history")) return;
  const std::int64_t limit = history_limit(store);
  auto tasks = tasks_of(store, key);
  if (limit < 0 || tasks.size() <= static_cast<std::size_t>(limit)) return;
  const auto last = *std::max_element(tasks.begin(), tasks.end(), made_before);
  std::stable_sort(tasks.begin(), tasks.end(), [](const TaskRef& a, const TaskRef& b) {
    return model::time_of(*a) < model::time_of(*b);
  });
  std::size_t surplus = tasks.size() - static_cast<std::size_t>(limit);
  for (const auto& task : tasks) {
    if (surplus == 0 || plan.full()) return;
    if (!is_over(*task) || may_run(store, *task) || task == last) continue;
    SWARM_CHECK(!task->live(), "task", task->id, "is history and lives");
    plan.remove(*task);
    --surplus;
  }
}

bool changes_limit(const store::Change<model::Cluster>& change) {
  return !change.before || !change.after ||
         change.before->spec.task_history_retention_limit != change.after->spec.task_history_retention_limit;
}

}  // namespace

void TaskReaper::arm(Instant now) {
  if (slots_.empty() && dead_.empty()) return;
  if (slots_.size() + dead_.size() > kEnough) {
    due_ = now;
  } else if (due_ == Instant::never()) {
    due_ = now + kBatch;
  }
}

void TaskReaper::start(const store::Store& store, Instant now, WallTime) {
  for (const auto& [id, task] : store.tasks())
    if (is_to_be_buried(store, *task)) dead_.insert(id);
  note_long_histories(store);
  arm(now);
}

void TaskReaper::note_long_histories(const store::Store& store) {
  const std::int64_t limit = history_limit(store);
  if (limit < 0) return;
  for (const auto& [service, tasks] : store.service_index()) {
    std::map<SlotKey, std::size_t> rows;
    for (const auto& [slot, id] : tasks) {
      const SlotKey key = slot != 0 ? SlotKey{service, slot, NodeId()} : key_of(*store.task(id));
      if (++rows[key] > static_cast<std::size_t>(limit)) slots_.insert(key);
    }
  }
}

void TaskReaper::note(const store::Store& store, const store::Change<model::Task>& change) {
  if (change.removed()) return;
  const model::Task& task = *change.after;
  const auto is_at_rest = [](const model::Task& one) {
    return has_ended(one) && !model::may_still_stop(one);
  };
  const bool ended = is_at_rest(task) && change.before && !is_at_rest(*change.before);
  const bool stopped = !is_wanted(task) && change.before && is_wanted(*change.before);
  if (change.created() || ended || stopped) slots_.insert(key_of(task));
  if (is_to_be_buried(store, task)) dead_.insert(task.id);
}

void TaskReaper::observe(const store::Store& store, const store::ChangeSet& changes, Instant now) {
  for (const auto& change : changes.changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) note(store, *task);
    const auto* cluster = std::get_if<store::Change<model::Cluster>>(&change);
    if (cluster != nullptr && changes_limit(*cluster)) note_long_histories(store);
    // What waits for its node's word waits no more.
    const auto* node = std::get_if<store::Change<model::Node>>(&change);
    if (node == nullptr || !node->removed()) continue;
    for (const TaskId id : store.tasks_on_node(node->before->id))
      if (is_to_be_buried(store, *store.task(id))) dead_.insert(id);
  }
  arm(now);
}

std::optional<model::Transaction> TaskReaper::plan(const store::Store& store, Instant now, WallTime wall) {
  if (due_ > now) return std::nullopt;
  Plan plan;
  for (auto it = dead_.begin(); it != dead_.end() && !plan.full();) {
    const auto task = store.task(*it);
    const bool there = task && is_to_be_buried(store, *task);
    if (there) plan.remove(*task);
    it = there ? std::next(it) : dead_.erase(it);
  }
  for (auto it = slots_.begin(); it != slots_.end() && !plan.full();) {
    const std::size_t before = plan.size();
    if (!plan.touched(*it)) prune(store, *it, plan);
    const bool quiet = plan.size() == before && !plan.touched(*it) && !plan.full();
    it = quiet ? slots_.erase(it) : std::next(it);
  }
  auto transaction = plan.take();
  if (transaction) {
    transaction->time = wall;
  } else {
    due_ = Instant::never();
  }
  return transaction;
}

}  // namespace swarm::orchestrator
