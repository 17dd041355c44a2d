// Plan: the transaction that a loop is putting together. It remembers which slots it has touched, so that two
// parts of one loop never act on the same slot from the same view of the store.
//
// Invariant (checked): a plan makes at most one task for a slot.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "orchestrator/slots.hpp"
#include "store/leader_loop.hpp"

namespace swarm::orchestrator {

class Plan {
 public:
  // Room is kept for the few actions that one slot needs.
  bool full() const { return transaction_.actions.size() + 64 >= store::kMaxActions; }
  bool empty() const { return transaction_.empty(); }
  std::size_t size() const { return transaction_.actions.size(); }
  bool touched(const SlotKey& key) const { return touched_.contains(key); }
  bool touches(ServiceId service) const {
    const auto first = touched_.lower_bound({service, 0, NodeId()});
    return first != touched_.end() && first->first.service == service;
  }

  void create(model::Task task) {
    const bool first = !std::exchange(touched_[key_of(task)], true);
    SWARM_CHECK(first, "a second new task for slot", task.slot, "of service", task.service_id);
    transaction_.actions.push_back(model::Put{std::move(task)});
  }
  void desire(const model::Task& task, model::TaskState state) {
    if (task.desired_state >= state) return;
    touched_.try_emplace(key_of(task), false);
    model::TaskStep step;
    step.id = task.id;
    step.desired_state = state;
    transaction_.actions.push_back(std::move(step));
  }
  void remove(const model::Task& task) {
    touched_.try_emplace(key_of(task), false);
    transaction_.actions.push_back(model::Remove::of<model::Task>(task.id));
  }
  void observe_as(const model::Task& task, model::TaskStatus status) {
    model::TaskStep step;
    step.id = task.id;
    step.status = std::move(status);
    transaction_.actions.push_back(std::move(step));
  }
  // Apply refuses it if another transaction has changed the service since.
  void put(model::Service service) { transaction_.actions.push_back(model::Put{std::move(service)}); }

  std::optional<model::Transaction> take() {
    if (transaction_.empty()) return std::nullopt;
    return std::move(transaction_);
  }

 private:
  model::Transaction transaction_;
  std::map<SlotKey, bool> touched_;  // true: with a new task
};

}  // namespace swarm::orchestrator
