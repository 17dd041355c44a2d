#include "sim/check/at_rest.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/id.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/port.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "sim/census.hpp"
#include "sim/check/reach.hpp"
#include "sim/machine.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;

std::string ghost(const Machine& at, NodeId self, const store::Store& store) {
  for (const auto& [id, name] : at.runner.running()) {
    const auto task = store.task(id);
    const std::string which = at.options.name + " runs " + name + " (task " + id.str() + ")";
    if (!task) return which + ", which the swarm does not know";
    if (task->node_id != self) return which + ", which belongs to another node";
    if (task->desired_state > TaskState::running) return which + ", which is to stop";
  }
  return {};
}

std::string missing_process(const Machine& at, NodeId self, const store::Store& store) {
  std::set<TaskId> running;
  for (const auto& [id, name] : at.runner.running()) running.insert(id);
  for (const TaskId id : store.tasks_on_node(self)) {
    const auto task = store.task(id);
    if (task->live() && task->state() == TaskState::running && !running.contains(id))
      return "task " + id.str() + " is shown as running, and " + at.options.name + " does not run it";
  }
  return {};
}

std::set<model::PortKey> published(const store::Store& store) {
  std::set<model::PortKey> ports;
  for (const auto& [id, service] : store.services())
    for (const auto& port : service->ports)
      if (port.publish_mode == model::PublishMode::ingress && port.published_port != 0)
        ports.insert({port.protocol, port.published_port});
  return ports;
}

std::string wrong_ports(const Machine& at, const std::set<model::PortKey>& wanted) {
  const auto& open = at.mesh.listening();
  for (const auto& port : open)
    if (!wanted.contains(port))
      return at.options.name + " listens at port " + std::to_string(port.port) + ", which no service has";
  for (const auto& port : wanted)
    if (!open.contains(port))
      return at.options.name + " does not listen at the published port " + std::to_string(port.port);
  return {};
}

std::string long_history(const store::Store& store) {
  const std::int64_t limit = store.cluster() != nullptr ? store.cluster()->spec.task_history_retention_limit
                                                        : model::kTaskHistoryLimit;
  if (limit < 0) return {};
  std::map<std::pair<ServiceId, Seat>, std::int64_t> ended;
  for (const auto& [id, task] : store.tasks()) {
    if (task->live()) continue;
    if (++ended[{task->service_id, Census::seat_of(*task)}] > limit)
      return "slot " + std::to_string(task->slot) + " of service " + task->service_id.str() +
             " has a history of more than " + std::to_string(limit) + " tasks";
  }
  return {};
}

std::string homeless(const store::Store& store) {
  for (const auto& [id, task] : store.tasks()) {
    if (!task->live()) continue;
    if (!task->node_id.empty() && !store.node(task->node_id))
      return "task " + id.str() + " is meant to run on a node that is gone";
    if (!store.service(task->service_id)) return "task " + id.str() + " outlives its service";
  }
  return {};
}

}  // namespace

std::string not_at_rest(const Machines& machines, const store::Store& store) {
  if (auto why = homeless(store); !why.empty()) return why;
  if (auto why = long_history(store); !why.empty()) return why;
  const std::set<model::PortKey> ports = published(store);
  for (const auto& at : machines) {
    if (!at->alive()) continue;
    const NodeId self = at->node->inspect().id;
    if (auto why = ghost(*at, self, store); !why.empty()) return why;
    if (self.empty()) continue;
    if (auto why = missing_process(*at, self, store); !why.empty()) return why;
    if (auto why = wrong_ports(*at, ports); !why.empty()) return why;
  }
  return wrong_reach(machines, store);
}

}  // namespace swarm::sim
