#include "dispatcher/mesh_directory.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/cluster.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

std::vector<model::MeshPort> published(const model::Service& service) {
  std::vector<model::MeshPort> out;
  for (const auto& port : service.ports)
    if (port.publish_mode == model::PublishMode::ingress && port.protocol == model::PortProtocol::tcp &&
        port.published_port != 0)
      out.push_back({{port.protocol, port.published_port}, port.target_port});
  return out;
}

bool may_serve(const model::Task& task) {
  return task.state() == model::TaskState::running && task.desired_state == model::TaskState::running;
}

std::optional<Address> data_address(const store::Store& store, NodeId id) {
  const auto node = store.node(id);
  return node ? Address::parse(node->status.addr, model::kDataPort) : std::nullopt;
}

}  // namespace

// ---- from the store

void MeshDirectory::start(const store::Store& store) {
  for (const auto& [id, service] : store.services()) set_service(store, service.get(), id);
  if (const auto* cluster = store.cluster())
    removed_nodes_.insert(cluster->removed_nodes.begin(), cluster->removed_nodes.end());
  changed_.clear();  // no node has been told anything yet
}

// The list only grows, at its end.
void MeshDirectory::note(const store::Change<model::Cluster>& change) {
  if (!change.after) return;
  const auto& removed = change.after->removed_nodes;
  for (std::size_t i = removed_nodes_.size(); i < removed.size(); ++i)
    if (removed_nodes_.insert(removed[i]).second) changed_.insert(wire::FeedKey::removed_node(removed[i]));
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Service>& change) {
  if (change.before && change.after && change.before->ports == change.after->ports) return;
  set_service(store, change.after.get(), change.latest().id);
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Task>& change) {
  const bool served = services_.contains(change.latest().service_id);
  if (served || backends_.contains(change.latest().id))
    set_task(store, served ? change.after.get() : nullptr, change.latest().id);
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Node>& change) {
  if (!change.after || !change.before || change.before->status.addr == change.after->status.addr) return;
  for (const TaskId id : store.tasks_on_node(change.after->id)) {
    const auto task = store.task(id);
    if (services_.contains(task->service_id)) set_task(store, task.get(), id);
  }
}

void MeshDirectory::set_service(const store::Store& store, const model::Service* service, ServiceId id) {
  auto ports = service != nullptr ? published(*service) : std::vector<model::MeshPort>{};
  const auto it = services_.find(id);
  if (it == services_.end() ? ports.empty() : it->second == ports) return;
  if (ports.empty()) {
    services_.erase(it);
    changed_.insert(wire::FeedKey::mesh_service(id));
    for (const auto& [slot, task] : store.tasks_of_service(id)) set_task(store, nullptr, task);
    return;
  }
  const bool is_new = it == services_.end();
  services_[id] = std::move(ports);
  changed_.insert(wire::FeedKey::mesh_service(id));
  if (!is_new) return;
  for (const auto& [slot, task] : store.tasks_of_service(id)) set_task(store, store.task(task).get(), task);
}

void MeshDirectory::set_task(const store::Store& store, const model::Task* task, TaskId id) {
  const auto data = task != nullptr && may_serve(*task) ? data_address(store, task->node_id) : std::nullopt;
  const auto it = backends_.find(id);
  if (!data) {
    if (it == backends_.end()) return;
    backends_.erase(it);
    changed_.insert(wire::FeedKey::mesh_backend(id));
    return;
  }
  const model::MeshBackend backend{id, task->service_id, task->node_id, *data};
  if (it != backends_.end() && it->second == backend) return;
  backends_[id] = backend;
  changed_.insert(wire::FeedKey::mesh_backend(id));
}

}  // namespace swarm::dispatcher
