#include "net/mesh/table_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "model/mesh.hpp"
#include "model/wire.hpp"

namespace swarm::mesh {

bool TableKeeper::on(const wire::MeshChange& change) {
  if (change.first) named_.emplace();
  for (const auto& row : change.services) set(row);
  for (const auto& row : change.backends) set(row);
  for (const NodeId node : change.removed_nodes) set_removed(node);
  for (const ServiceId service : change.removed_services) drop(service);
  for (const TaskId backend : change.removed_backends) drop(backend);
  if (change.last && named_) {
    drop_unnamed(*named_);
    named_.reset();
  }
  if (touched_.empty() && !removed_nodes_changed_) return false;
  publish(std::exchange(touched_, {}));
  return true;
}

void TableKeeper::set(const wire::MeshService& row) {
  if (named_) named_->services.insert(row.service);
  const auto [it, is_new] = services_.try_emplace(row.service);
  if (!is_new && it->second == row.ports) return;
  it->second = row.ports;
  touched_.insert(row.service);
}

void TableKeeper::set(const model::MeshBackend& row) {
  if (named_) named_->backends.insert(row.task);
  const auto known = service_of_.find(row.task);
  if (known != service_of_.end()) {
    if (backends_[known->second][row.task] == row) return;
    drop(row.task);
  }
  service_of_[row.task] = row.service;
  backends_[row.service][row.task] = row;
  touched_.insert(row.service);
}

void TableKeeper::set_removed(NodeId node) {
  if (named_) named_->removed_nodes.insert(node);
  removed_nodes_changed_ |= removed_nodes_.insert(node).second;
}

void TableKeeper::drop(ServiceId service) {
  if (services_.erase(service) != 0) touched_.insert(service);
}

void TableKeeper::drop(TaskId backend) {
  const auto it = service_of_.find(backend);
  if (it == service_of_.end()) return;
  const ServiceId service = it->second;
  service_of_.erase(it);
  touched_.insert(service);
  auto& rest = backends_[service];
  rest.erase(backend);
  if (rest.empty()) backends_.erase(service);
}

void TableKeeper::drop_unnamed(const Named& named) {
  std::vector<ServiceId> services;
  std::vector<TaskId> backends;
  for (const auto& [id, ports] : services_)
    if (!named.services.contains(id)) services.push_back(id);
  for (const auto& [id, service] : service_of_)
    if (!named.backends.contains(id)) backends.push_back(id);
  for (const ServiceId id : services) drop(id);
  for (const TaskId id : backends) drop(id);
  if (removed_nodes_ == named.removed_nodes) return;
  removed_nodes_ = named.removed_nodes;
  removed_nodes_changed_ = true;
}

// Routes of other services are those of the table before, with their lists of backends.
void TableKeeper::publish(const std::set<ServiceId>& touched) {
  std::vector<model::Route> fresh;
  for (const ServiceId service : touched) {
    const auto ports = services_.find(service);
    if (ports == services_.end()) continue;
    auto list = std::make_shared<std::vector<model::MeshBackend>>();
    if (const auto rows = backends_.find(service); rows != backends_.end())
      for (const auto& [task, backend] : rows->second) list->push_back(backend);
    for (const auto& port : ports->second) fresh.push_back({port, service, list});
  }
  const auto by_port = [](const model::Route& a, const model::Route& b) { return a.port < b.port; };
  std::sort(fresh.begin(), fresh.end(), by_port);
  std::vector<model::Route> kept;
  std::ranges::copy_if(table_->routes, std::back_inserter(kept),
                       [&](const model::Route& route) { return !touched.contains(route.service); });
  auto table = std::make_shared<model::ForwardingTable>();
  std::ranges::merge(kept, fresh, std::back_inserter(table->routes), by_port);
  table->removed_nodes = table_->removed_nodes;
  if (std::exchange(removed_nodes_changed_, false))
    table->removed_nodes = std::make_shared<std::set<NodeId>>(removed_nodes_);
  SWARM_CHECK(std::ranges::is_sorted(table->routes, by_port), table->routes.size(), "routes in no order");
  table_ = std::move(table);
}

}  // namespace swarm::mesh
