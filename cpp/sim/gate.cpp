#include "sim/gate.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "model/constraint.hpp"
#include "model/meaning.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using Nodes = std::set<NodeId>;

bool is_ready(const model::Node& node) { return node.status.state == model::NodeState::ready; }

Nodes living(const store::Store& store, const std::set<std::string>& dead) {
  Nodes out;
  for (const auto& [id, node] : store.nodes())
    if (is_ready(*node) && !dead.contains(node->description.hostname)) out.insert(id);
  return out;
}

// How many tasks a global service wants; at most.
std::size_t eligible(const store::Store& store, const std::vector<model::Constraint>& constraints) {
  return static_cast<std::size_t>(
      std::count_if(store.nodes().begin(), store.nodes().end(), [&](const auto& entry) {
        const model::Node& node = *entry.second;
        return node.status.state != model::NodeState::down &&
               node.spec.availability == model::Availability::active && model::matches(constraints, node);
      }));
}

std::optional<std::size_t> wanted(const store::Store& store, const model::Service& service) {
  if (service.spec.is_replicated()) return service.spec.replicas();
  const auto& placement = service.spec.task.placement;
  const auto constraints =
      model::parse_constraints(placement ? placement->constraints : std::vector<std::string>());
  return constraints ? std::optional(eligible(store, *constraints)) : std::nullopt;
}

bool may_be_newest(const model::Service& service, const model::Task& task) {
  if (task.spec_version == service.spec_version) return true;
  model::TaskSpec but_for_placement = task.spec();
  but_for_placement.placement = service.spec.task.placement;
  return model::same_meaning(but_for_placement, service.spec.task);
}

bool is_alive(const model::Task& task) {
  return task.state() == model::TaskState::starting || task.state() == model::TaskState::running;
}

bool runs(const model::Task& task) {
  return task.state() == model::TaskState::running && task.desired_state == model::TaskState::running;
}

bool is_meant_to_live(const model::Task& task) {
  return task.desired_state == model::TaskState::ready || task.desired_state == model::TaskState::running;
}

// How many of its newest tasks run on these nodes; nothing while one lives there that should not.
std::optional<std::size_t> running(const store::Store& store, const model::Service& service,
                                   const Nodes& nodes) {
  std::size_t count = 0;
  const model::TaskTemplate* last = nullptr;  // tasks share it
  bool newest = false;
  for (const auto& [slot, id] : store.tasks_of_service(service.id)) {
    const auto task = store.task(id);
    if (!is_alive(*task) || !nodes.contains(task->node_id)) continue;
    if (!is_meant_to_live(*task)) return {};
    if (task->templ.get() != last) newest = may_be_newest(service, *task);
    last = task->templ.get();
    if (!newest) return {};
    count += runs(*task) ? 1 : 0;
  }
  return count;
}

bool stands_still(const model::UpdateStatus& status) {
  return status.state == model::UpdateState::paused || status.state == model::UpdateState::rollback_paused;
}

bool goes_on(const model::UpdateStatus& status) {
  return status.state == model::UpdateState::updating || status.state == model::UpdateState::rollback_started;
}

bool is_open(const store::Store& store, ServiceId id, const Nodes& nodes) {
  const auto service = store.service(id);
  if (!service) return true;
  const auto& update = service->update_status;
  if (update && stands_still(*update)) return true;
  if (update && goes_on(*update)) return false;
  const auto count = wanted(store, *service);
  return !count || running(store, *service, nodes) == count;
}

}  // namespace

bool is_open(const Gate& gate, const store::Store& store, const std::set<std::string>& dead) {
  const Nodes nodes = living(store, dead);
  if (nodes.size() < gate.ready_nodes) return false;
  return std::all_of(gate.services.begin(), gate.services.end(),
                     [&](ServiceId id) { return is_open(store, id, nodes); });
}

}  // namespace swarm::sim
