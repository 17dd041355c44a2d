#include "orchestrator/replicated.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "orchestrator/slots.hpp"

namespace swarm::orchestrator {

using model::TaskState;

namespace {

bool is_rolling_back(const model::Service& service) {
  return service.update_status && service.update_status->state == model::UpdateState::rollback_started;
}

// A slot counts when it has a wanted task, or when its last one must not be followed by another. In a
// rollback the latter is dead if it is of the spec that goes: the one that comes back gets its chance, once.
bool counts(const model::Service& service, const std::vector<TaskRef>& tasks) {
  if (std::any_of(tasks.begin(), tasks.end(), [](const TaskRef& task) { return is_wanted(*task); }))
    return true;
  const auto newest = *std::max_element(tasks.begin(), tasks.end(), made_before);
  if (is_rolling_back(service) && newest->spec_version != service.spec_version) return false;
  return newest->desired_state == TaskState::shutdown && !model::may_restart(*newest);
}

}  // namespace

std::vector<std::uint64_t> slots_to_drop(const std::map<std::uint64_t, std::vector<TaskRef>>& slots,
                                         std::size_t keep) {
  struct Rank {
    std::uint64_t slot = 0;
    bool runs = false;
    NodeId node;
    std::uint64_t nth_on_node = 0;
  };
  std::vector<Rank> ranks;
  for (const auto& [slot, tasks] : slots) {
    Rank rank{slot, false, NodeId(), std::numeric_limits<std::uint64_t>::max()};
    std::vector<TaskRef> wanted;
    for (const auto& task : tasks)
      if (is_wanted(*task)) wanted.push_back(task);
    for (const auto& task : wanted) rank.runs |= task->status.state == TaskState::running;
    if (wanted.size() == 1) rank.node = wanted.front()->node_id;
    ranks.push_back(rank);
  }
  std::sort(ranks.begin(), ranks.end(), [](const Rank& a, const Rank& b) {
    return std::tuple(!a.runs, a.slot) < std::tuple(!b.runs, b.slot);
  });
  std::map<NodeId, std::uint64_t> on_node;
  for (Rank& rank : ranks)
    if (!rank.node.empty()) rank.nth_on_node = ++on_node[rank.node];
  // Stable, as Docker means it to be (Go's sort.Sort is not).
  std::stable_sort(ranks.begin(), ranks.end(),
                   [](const Rank& a, const Rank& b) { return a.nth_on_node < b.nth_on_node; });
  std::vector<std::uint64_t> out;
  SWARM_CHECK(keep <= ranks.size(), "keep", keep, "of", ranks.size());
  for (std::size_t i = keep; i < ranks.size(); ++i) out.push_back(ranks[i].slot);
  return out;
}

void ReplicatedOrchestrator::replace(const View& view, const model::Service& service,
                                     const model::Task& task) {
  restarts_.restart(view.store, service, task, view.wall, rng_, view.plan);
}

void ReplicatedOrchestrator::reconcile(const View& view, const model::Service& service) {
  Slots kept, dead;
  for (const auto& [slot, id] : view.store.tasks_of_service(service.id))
    kept[slot].push_back(view.store.task(id));
  for (auto it = kept.begin(); it != kept.end();) {
    const bool touched = view.plan.touched({service.id, it->first, NodeId()});
    if (touched || counts(service, it->second)) {
      ++it;
    } else {
      dead.insert(kept.extract(it++));
    }
  }
  const std::uint64_t wanted = service.spec.replicas();
  std::vector<std::uint64_t> surplus;
  if (kept.size() > wanted) surplus = slots_to_drop(kept, wanted);
  for (const std::uint64_t slot : surplus) {
    if (view.plan.full()) return;
    for (const auto& task : kept[slot]) view.plan.desire(*task, TaskState::remove);
    kept.erase(slot);
  }
  fill(view, service, kept, dead);
  drop(view, dead);
  std::vector<SlotKey> keys;
  for (const auto& [slot, tasks] : kept) {
    keys.push_back({service.id, slot, NodeId()});
    handover_.look_at(keys.back(), tasks);
  }
  updates_.reconcile(view.store, service, keys);
}

// Creates what is missing, in the lowest numbers that are free. A slot whose old tasks still run gets a task
// that waits for their end.
void ReplicatedOrchestrator::fill(const View& view, const model::Service& service, const Slots& kept,
                                  Slots& dead) {
  const std::uint64_t wanted = service.spec.replicas();
  std::uint64_t slot = 0;
  for (std::uint64_t have = kept.size(); have < wanted && !view.plan.full(); ++have) {
    do ++slot;
    while (kept.contains(slot));
    const auto before = dead.find(slot);
    const bool waits =
        before != dead.end() && std::any_of(before->second.begin(), before->second.end(),
                                            [&](const TaskRef& task) { return may_run(view.store, *task); });
    auto task = new_task(view.store, service, {service.id, slot, NodeId()},
                         waits ? TaskState::ready : TaskState::running, view.wall, rng_);
    if (before != dead.end()) {  // reused: they are its history
      const auto newest = std::max_element(before->second.begin(), before->second.end(), made_before);
      take_over(task, **newest, Duration{}, view.wall);
      dead.erase(before);
    }
    view.plan.create(std::move(task));
  }
}

// Slots that count no more keep no history (Docker deletes them); what still runs in them is stopped first.
void ReplicatedOrchestrator::drop(const View& view, const Slots& dead) {
  for (const auto& [slot, tasks] : dead)
    for (const auto& task : tasks) {
      if (view.plan.full()) return;
      if (may_run(view.store, *task)) {
        view.plan.desire(*task, TaskState::remove);
      } else {
        view.plan.remove(*task);
      }
    }
}

}  // namespace swarm::orchestrator
