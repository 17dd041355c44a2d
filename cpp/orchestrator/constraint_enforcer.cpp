#include "orchestrator/constraint_enforcer.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "base/id.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "model/constraint.hpp"
#include "model/meta.hpp"
#include "model/node.hpp"
#include "model/resources.hpp"
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

// Facts that a constraint or a reservation can turn on.
bool differs(const model::Node& a, const model::Node& b) {
  return a.spec != b.spec || a.description != b.description || a.role != b.role ||
         a.status.addr != b.status.addr;
}

bool fits_constraints(const store::Store& store, const model::Node& node, const model::Task& task) {
  const auto service = store.service(task.service_id);
  const auto& placement = service ? service->spec.task.placement : task.spec().placement;
  if (!placement) return true;
  const auto constraints = model::parse_constraints(placement->constraints);
  return constraints.ok() && model::matches(*constraints, node);
}

// What the node has, less what the tasks seen so far reserve.
class Capacity {
 public:
  explicit Capacity(const model::Resources& all)
      : known_(!(all == model::Resources{})), nano_cpus_(all.nano_cpus), memory_bytes_(all.memory_bytes) {
    for (const auto& one : all.generic_resources)
      generic_[one.kind] = saturating_add(generic_[one.kind], amount(one));
  }
  bool take(const model::TaskSpec& spec) {
    if (!known_ || !spec.resources || !spec.resources->reservations) return true;
    const model::Resources& wanted = *spec.resources->reservations;
    if (wanted.nano_cpus > nano_cpus_ || wanted.memory_bytes > memory_bytes_) return false;
    for (const auto& one : wanted.generic_resources)
      if (amount(one) > generic_[one.kind]) return false;
    nano_cpus_ = saturating_sub(nano_cpus_, wanted.nano_cpus);
    memory_bytes_ = saturating_sub(memory_bytes_, wanted.memory_bytes);
    for (const auto& one : wanted.generic_resources)
      generic_[one.kind] = saturating_sub(generic_[one.kind], amount(one));
    return true;
  }

 private:
  static std::int64_t amount(const model::GenericResource& one) { return one.name.empty() ? one.value : 1; }
  bool known_;
  std::int64_t nano_cpus_, memory_bytes_;
  std::map<std::string, std::int64_t> generic_;
};

void look(const store::Store& store, const model::Node& node, WallTime wall, Plan& plan) {
  Capacity capacity(node.description.resources);
  for (const TaskId id : store.tasks_on_node(node.id)) {
    const auto task = store.task(id);
    const bool placed = task->status.state >= TaskState::assigned && !has_ended(*task);
    if (plan.full()) return;
    if (!placed || !is_wanted(*task)) continue;
    if (fits_constraints(store, node, *task) && capacity.take(task->spec())) continue;
    model::TaskStatus status = task->status;
    status.timestamp = wall;
    status.state = TaskState::rejected;
    status.message = model::kHasToMove;
    status.err = "assigned node no longer meets constraints";
    plan.observe_as(*task, std::move(status));
  }
}

}  // namespace

void ConstraintEnforcer::start(const store::Store& store, Instant, WallTime) {
  for (const auto& [id, node] : store.nodes()) nodes_.insert(id);
}

void ConstraintEnforcer::observe(const store::Store& store, const store::ChangeSet& changes, Instant) {
  for (const auto& change : changes.changes) {
    if (const auto* node = std::get_if<store::Change<model::Node>>(&change)) {
      if (node->before && node->after && differs(*node->before, *node->after)) nodes_.insert(node->after->id);
    } else if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) {
      note_placement(store, *task);
    }
  }
}

// The scheduler saw the task as it was before, and maybe its node as it was before, too: a node that changed
// since then was looked at without this task.
void ConstraintEnforcer::note_placement(const store::Store& store, const store::Change<model::Task>& change) {
  if (!change.before || !change.after || change.before->node_id == change.after->node_id) return;
  const auto node = store.node(change.after->node_id);
  if (node && node->meta.version > change.before->meta.version) nodes_.insert(node->id);
}

std::optional<model::Transaction> ConstraintEnforcer::plan(const store::Store& store, Instant,
                                                           WallTime wall) {
  Plan plan;
  for (auto it = nodes_.begin(); it != nodes_.end() && !plan.full();) {
    const std::size_t before = plan.size();
    const auto node = store.node(*it);
    if (node && node->spec.availability == model::Availability::active) look(store, *node, wall, plan);
    const bool quiet = plan.size() == before && !plan.full();
    it = quiet ? nodes_.erase(it) : std::next(it);
  }
  auto transaction = plan.take();
  if (transaction) transaction->time = wall;
  return transaction;
}

}  // namespace swarm::orchestrator
