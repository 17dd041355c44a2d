#include "docker/network_look.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "docker/described.hpp"
#include "docker/json.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

using store::Ref;

// "10.0.1.3/24" without the prefix's length: here Docker shows plain addresses.
std::string plain(const std::string& address) { return address.substr(0, address.find('/')); }

std::string address_on(const model::Task& task, NetworkId network) {
  for (const auto& one : task.attachments)
    if (one.network_id == network && !one.addresses.empty()) return plain(one.addresses.front());
  return {};
}

// What goes on there.
struct Present {
  std::map<NodeId, Ref<model::Node>> nodes;
  std::map<ServiceId, std::vector<Ref<model::Task>>> tasks;
};

Present present_on(const store::Store& store, NetworkId network) {
  Present out;
  for (const TaskId id : store.tasks_on_network(network)) {
    auto task = store.task(id);
    if (task->state() != model::TaskState::running) continue;
    if (const auto node = store.node(task->node_id)) out.nodes[node->id] = node;
    out.tasks[task->service_id].push_back(std::move(task));
  }
  return out;
}

std::string peers_of(const Present& present) {
  Json json;
  json.array([&] {
    for (const auto& [id, node] : present.nodes)
      json.object([&] { json.field("Name", id.str()).field("IP", node->status.addr); });
  });
  return json.take();
}

void write_tasks(Json& json, const Present& present, const std::vector<Ref<model::Task>>& tasks,
                 NetworkId network) {
  json.array("Tasks", [&] {
    for (const auto& task : tasks)
      json.object([&] {
        json.field("Name", model::task_name(*task))
            .field("EndpointID", task->id.str())
            .field("EndpointIP", address_on(*task, network));
        json.object("Info", [&] {
          const auto node = present.nodes.find(task->node_id);
          if (node != present.nodes.end()) json.field("Host IP", node->second->status.addr);
        });
      });
  });
}

std::string vip_of(const model::Service& service, NetworkId network) {
  for (const auto& one : service.virtual_ips)
    if (one.network_id == network) return plain(one.address);
  return {};
}

void write_ports(Json& json, const model::Service& service) {
  json.array("Ports", [&] {
    for (const auto& port : service.ports)
      json.value("Target: " + std::to_string(port.target_port) +
                 ", Publish: " + std::to_string(port.published_port));
  });
}

std::string services_of(const store::Store& store, const Present& present, NetworkId network) {
  Json json;
  json.object([&] {
    for (const auto& [id, tasks] : present.tasks) {
      const auto service = store.service(id);
      if (!service) continue;
      json.object(service->spec.annotations.name, [&] {
        json.field("VIP", vip_of(*service, network));
        write_ports(json, *service);
        json.field("LocalLBIndex", 0);
        write_tasks(json, present, tasks, network);
      });
    }
  });
  return json.take();
}

}  // namespace

InPlaces network_places(const store::Store& store, const model::Network& network, bool verbose) {
  const Present present = present_on(store, network.id);
  InPlaces places;
  if (!present.nodes.empty()) places.push_back({"Peers", peers_of(present)});
  if (verbose && !present.tasks.empty())
    places.push_back({"Services", services_of(store, present, network.id)});
  return places;
}

}  // namespace swarm::docker
