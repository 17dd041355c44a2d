#include "net/mesh/table_keeper.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "model/mesh.hpp"
#include "model/wire.hpp"

namespace swarm::mesh {

wire::MeshAck TableKeeper::on(const wire::MeshUpdate& update) {
  if (update.session != session_) {
    session_ = update.session;
    applied_ = 0;
  }
  wire::MeshAck ack{session_, applied_, false, {}};
  if (update.results_in <= applied_) return ack;  // heard before
  if (!update.complete && (applied_ == 0 || update.applies_to != applied_)) {
    ack.want_complete = true;
    return ack;
  }
  std::set<ServiceId> touched;
  const auto drop = [&](TaskId task) {
    const auto it = service_of_.find(task);
    if (it == service_of_.end()) return;
    backends_[it->second].erase(task);
    touched.insert(it->second);
    service_of_.erase(it);
  };
  if (update.complete) {
    services_.clear();
    service_of_.clear();
    backends_.clear();
    published_.clear();
  }
  for (const auto& [service, ports] : update.services) {
    services_[service] = ports;
    touched.insert(service);
  }
  for (const ServiceId service : update.removed_services) {
    services_.erase(service);
    touched.insert(service);
  }
  for (const TaskId task : update.removed_tasks) drop(task);
  for (const auto& backend : update.backends) {
    drop(backend.task);
    service_of_[backend.task] = backend.service;
    backends_[backend.service][backend.task] = backend;
    touched.insert(backend.service);
  }
  publish(touched);
  ack.applied = applied_ = update.results_in;
  return ack;
}

// Lists of services that did not change are shared with the table before.
void TableKeeper::publish(const std::set<ServiceId>& touched) {
  for (const ServiceId service : touched) {
    auto list = std::make_shared<std::vector<model::MeshBackend>>();
    for (const auto& [task, backend] : backends_[service]) list->push_back(backend);
    if (list->empty()) backends_.erase(service);
    published_[service] = std::move(list);
    if (!services_.contains(service)) published_.erase(service);
  }
  auto table = std::make_shared<model::ForwardingTable>();
  for (const auto& [service, ports] : services_)
    for (const auto& port : ports) table->routes.push_back({port, service, published_.at(service)});
  std::sort(table->routes.begin(), table->routes.end(),
            [](const auto& a, const auto& b) { return a.port < b.port; });
  table_ = std::move(table);
}

}  // namespace swarm::mesh
