#include "allocator/allocator.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

namespace swarm::allocator {
namespace {

using model::PortConfig;
using model::PublishMode;

constexpr std::uint32_t kFirstDynamicPort = 30'000;
constexpr std::uint32_t kLastDynamicPort = 32'767;

bool is_waiting(const model::Task& task) {
  return task.state() == model::TaskState::new_ && task.desired_state <= model::TaskState::complete;
}

bool same_but_number(const PortConfig& a, const PortConfig& b) {
  return a.name == b.name && a.protocol == b.protocol && a.target_port == b.target_port &&
         a.publish_mode == b.publish_mode;
}

model::TaskStep pending_step(TaskId id, WallTime wall) {
  model::TaskStep step;
  step.id = id;
  step.status.emplace();
  step.status->timestamp = wall;
  step.status->state = model::TaskState::pending;
  step.status->message = "pending task scheduling";
  return step;
}

}  // namespace

// ---- who holds which port

void Allocator::hold(ServiceId id, const std::vector<PortConfig>& ports) {
  for (const auto& port : ports)
    if (port.publish_mode == PublishMode::ingress && port.published_port != 0)
      holders_[{port.protocol, port.published_port}].insert(id);
}

// What is given back may be what another service waits for.
void Allocator::release(ServiceId id, const std::vector<PortConfig>& ports) {
  for (const auto& port : ports) {
    const auto it = holders_.find({port.protocol, port.published_port});
    if (SWARM_MISTAKE("allocator.never-gives-back-a-port")) continue;
    if (it == holders_.end() || it->second.erase(id) == 0) continue;
    if (it->second.empty()) holders_.erase(it);
    dirty_services_.insert(without_ports_.begin(), without_ports_.end());
  }
}

bool Allocator::is_free(const model::PortKey& key, ServiceId asking) const {
  const auto it = holders_.find(key);
  if (SWARM_MISTAKE("allocator.gives-a-port-twice")) return true;
  return it == holders_.end() || (it->second.size() == 1 && it->second.contains(asking));
}

// The ports that the service gets; nothing when one of them cannot be had now. First what the user
// chose, then what the service has already, then new numbers.
std::optional<std::vector<PortConfig>> Allocator::ports_for(const model::Service& service) const {
  Ports ports;
  if (service.spec.endpoint) ports = service.spec.endpoint->ports;
  std::set<model::PortKey> taken;  // by this service itself
  const auto take = [&](PortConfig& port, std::uint32_t number) {
    const model::PortKey key{port.protocol, number};
    if (number == 0 || taken.contains(key) || !is_free(key, service.id)) return false;
    port.published_port = number;
    taken.insert(key);
    return true;
  };
  std::vector<PortConfig*> open;
  for (auto& port : ports) {
    if (port.publish_mode != PublishMode::ingress) continue;
    if (port.published_port == 0) {
      open.push_back(&port);
    } else if (!take(port, port.published_port)) {
      return std::nullopt;
    }
  }
  for (PortConfig* port : open)
    for (const auto& had : service.ports)
      if (same_but_number(had, *port) && take(*port, had.published_port)) break;
  for (PortConfig* port : open)
    for (std::uint32_t next = kFirstDynamicPort; port->published_port == 0; ++next) {
      if (next > kLastDynamicPort) return std::nullopt;
      take(*port, next);
    }
  SWARM_CHECK(taken.size() >= open.size(), taken.size(), "ports for", open.size());
  return ports;
}

// ---- the loop

void Allocator::start(const store::Store& store, Instant, WallTime) {
  for (const auto& [id, service] : store.services()) {
    hold(id, service->ports);
    dirty_services_.insert(id);
  }
  for (const auto& [id, task] : store.tasks())
    if (is_waiting(*task)) new_tasks_[task->service_id].insert(id);
  for (const auto& [service, tasks] : new_tasks_) dirty_services_.insert(service);
}

void Allocator::observe(const store::Store&, const store::ChangeSet& changes, Instant) {
  for (const auto& any : changes.changes) {
    if (const auto* service = std::get_if<store::Change<model::Service>>(&any)) {
      const ServiceId id = service->latest().id;
      if (service->before) release(id, service->before->ports);
      if (service->after) hold(id, service->after->ports);
      if (service->removed()) without_ports_.erase(id);
      dirty_services_.insert(id);
    } else if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) {
      note(*task);
    }
  }
}

void Allocator::note(const store::Change<model::Task>& change) {
  const model::Task& task = change.latest();
  if (change.after && is_waiting(task)) {
    new_tasks_[task.service_id].insert(task.id);
    dirty_services_.insert(task.service_id);
  } else if (const auto it = new_tasks_.find(task.service_id); it != new_tasks_.end()) {
    it->second.erase(task.id);
    if (it->second.empty()) new_tasks_.erase(it);
  }
}

// Gives the service its ports; false when its tasks must wait for them.
bool Allocator::allocate(const model::Service& service, model::Transaction& transaction) {
  auto ports = ports_for(service);
  if (!ports) {
    without_ports_.insert(service.id);
    return false;
  }
  without_ports_.erase(service.id);
  if (*ports == service.ports) return true;
  hold(service.id, *ports);
  in_flight_ports_.push_back({service.id, *ports});
  model::Service allocated = service;
  allocated.ports = std::move(*ports);
  transaction.actions.push_back(model::Put{std::move(allocated)});
  return true;
}

std::optional<model::Transaction> Allocator::plan(const store::Store& store, Instant, WallTime wall) {
  SWARM_CHECK(in_flight_.empty() && in_flight_ports_.empty(), "the last plan is not settled");
  model::Transaction transaction;
  while (!dirty_services_.empty() && transaction.actions.size() < store::kMaxActions) {
    const ServiceId id = *dirty_services_.begin();
    const auto service = store.service(id);
    const bool has_ports = !service || allocate(*service, transaction);
    const auto tasks = new_tasks_.find(id);
    SWARM_CHECK(tasks == new_tasks_.end() || !tasks->second.empty(), "service", id);
    std::size_t readied = 0;
    if (has_ports && tasks != new_tasks_.end())
      for (auto it = tasks->second.begin();
           it != tasks->second.end() && transaction.actions.size() < store::kMaxActions; ++it, ++readied)
        transaction.actions.push_back(pending_step(*it, wall));
    in_flight_.insert(id);
    // The rest of a very large service comes with the next plan; those readied here will have left by then.
    if (has_ports && tasks != new_tasks_.end() && readied < tasks->second.size()) break;
    dirty_services_.erase(id);
  }
  if (!transaction.empty()) return transaction;
  in_flight_.clear();
  return std::nullopt;
}

void Allocator::settled(const store::Store& store, const model::Outcome& outcome, Instant) {
  if (!outcome.applied) {
    for (const auto& [id, ports] : in_flight_ports_) {
      release(id, ports);
      if (const auto service = store.service(id)) hold(id, service->ports);
    }
    dirty_services_.insert(in_flight_.begin(), in_flight_.end());
  }
  in_flight_ports_.clear();
  in_flight_.clear();
}

}  // namespace swarm::allocator
