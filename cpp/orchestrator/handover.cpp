#include "orchestrator/handover.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include "model/service.hpp"
#include "model/task.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::orchestrator {

using model::TaskState;

namespace {

bool runs(const model::Task& task) { return is_wanted(task) && task.status.state == TaskState::running; }

struct Slot {
  TaskRef heir;  // runs where it may: one of the current spec, else the youngest
  bool heir_is_new = false;
  std::vector<TaskRef> outdated;
};

Slot look_into(const store::Store& store, const model::Service& service, const std::vector<TaskRef>& tasks) {
  Slot out;
  for (const auto& task : tasks) {
    const bool is_new = !is_outdated(store, service, *task);
    if (!is_new) out.outdated.push_back(task);
    if (!runs(*task) || node_evicts(store, *task)) continue;
    const bool better = is_new != out.heir_is_new ? is_new : !out.heir || made_before(out.heir, task);
    if (better) out.heir = task;
    out.heir_is_new |= is_new;
  }
  return out;
}

// Beside an old heir a new task is under way, or will be.
void end_others(const store::Store& store, const model::Service& service, const std::vector<TaskRef>& tasks,
                Plan& plan) {
  const Slot slot = look_into(store, service, tasks);
  if (!slot.heir) return;
  for (const auto& task : slot.heir_is_new ? tasks : slot.outdated)
    if (task != slot.heir && task->live()) plan.desire(*task, TaskState::shutdown);
}

}  // namespace

void Handover::observe(const store::Store& store, const store::Change<model::Task>& change) {
  if (change.removed() || !runs(*change.after)) return;
  const SlotKey key = key_of(*change.after);
  look_at(key, tasks_of(store, key));
}

void Handover::look_at(const SlotKey& key, const std::vector<TaskRef>& tasks) {
  const auto live =
      std::count_if(tasks.begin(), tasks.end(), [](const TaskRef& task) { return task->live(); });
  if (live > 1) look_.insert(key);
}

void Handover::plan(const store::Store& store, Plan& plan) {
  for (auto it = look_.begin(); it != look_.end() && !plan.full();) {
    const std::size_t before = plan.size();
    const bool touched = plan.touched(*it);
    if (const auto service = store.service(it->service); service && !touched)
      end_others(store, *service, tasks_of(store, *it), plan);
    it = touched || plan.size() != before ? std::next(it) : look_.erase(it);
  }
}

}  // namespace swarm::orchestrator
