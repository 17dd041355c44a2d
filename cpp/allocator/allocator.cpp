#include "allocator/allocator.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/network.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/spec_networks.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

namespace swarm::allocator {
namespace {

bool is_waiting(const model::Task& task) {
  return task.state() == model::TaskState::new_ && task.desired_state <= model::TaskState::complete;
}

// One that has ended gives back what it has (swarmkit manager/allocator/network.go).
bool holds(const model::Task& task) { return !model::is_terminal(task.state()); }

model::TaskStep pending_step(TaskId id, WallTime wall) {
  model::TaskStep step;
  step.id = id;
  step.status.emplace();
  step.status->timestamp = wall;
  step.status->state = model::TaskState::pending;
  step.status->message = "pending task scheduling";
  return step;
}

// Says in the task's status what it waits for.
model::TaskStep waiting_step(const model::Task& task, const std::string& why, WallTime wall) {
  model::TaskStep step;
  step.id = task.id;
  step.status = task.status;
  step.status->timestamp = wall;
  step.status->err = why;
  return step;
}

}  // namespace

struct Allocator::Plan {
  const store::Store& store;
  WallTime wall;
  model::Transaction transaction;
  NetworkId lacking = {};  // of the last error: where no address is left; empty: a port
  bool is_full() const { return transaction.actions.size() >= store::kMaxActions; }
};

// ---- what the store has

void Allocator::note_pools(const store::Store& store) {
  if (store.cluster() != nullptr) addresses_.set_pools(*store.cluster());
}

void Allocator::start(const store::Store& store, Instant, WallTime) {
  note_pools(store);
  for (const auto& [id, network] : store.networks()) {
    addresses_.hold(*network);
    if (network->ingress) ingress_ = id;
    if (network->is_overlay() && network->allocated.empty()) bare_networks_.insert(id);
  }
  for (const auto& [id, service] : store.services()) {
    ports_.hold(id, service->ports);
    for (const auto& one : service->virtual_ips) addresses_.hold(one.network_id, one.address);
    dirty_services_.insert(id);
  }
  for (const auto& [id, task] : store.tasks()) {
    if (is_waiting(*task)) new_tasks_[task->service_id].insert(id);
    if (!holds(*task)) continue;
    for (const auto& one : task->attachments)
      for (const auto& address : one.addresses) addresses_.hold(one.network_id, address);
  }
  for (const auto& [service, tasks] : new_tasks_) dirty_services_.insert(service);
}

void Allocator::observe(const store::Store& store, const store::ChangeSet& changes, Instant) {
  for (const auto& any : changes.changes) {
    if (const auto* service = std::get_if<store::Change<model::Service>>(&any)) {
      note(*service);
    } else if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) {
      note(*task);
    } else if (const auto* network = std::get_if<store::Change<model::Network>>(&any)) {
      note(store, *network);
    } else if (std::holds_alternative<store::Change<model::Cluster>>(any)) {
      note_pools(store);
      wake_all();  // the swarm's level may be high enough now
    }
  }
}

// What is given back, or new, may be what others wait for.
void Allocator::wake(NetworkId lacking) {
  const auto services = waiting_for_.find(lacking);
  if (services != waiting_for_.end())
    dirty_services_.insert(services->second.begin(), services->second.end());
}

void Allocator::wake_all() {
  for (const auto& [id, waiting] : waiting_) dirty_services_.insert(id);
  for (const auto& [id, why] : why_bare_) bare_networks_.insert(id);
}

void Allocator::go_on(ServiceId id) {
  const auto waiting = waiting_.find(id);
  if (waiting == waiting_.end()) return;
  const auto services = waiting_for_.find(waiting->second.lacking);
  services->second.erase(id);
  if (services->second.empty()) waiting_for_.erase(services);
  waiting_.erase(waiting);
}

void Allocator::note(const store::Store& store, const store::Change<model::Network>& change) {
  const model::Network& network = change.latest();
  if (network.ingress) ingress_ = change.removed() ? std::nullopt : std::optional(network.id);
  bare_networks_.erase(network.id);
  why_bare_.erase(network.id);
  if (change.removed()) {
    addresses_.release(network.id);
    for (const auto& [id, why] : why_bare_) bare_networks_.insert(id);  // its subnet is free
  } else if (network.allocated.empty()) {
    if (network.is_overlay()) bare_networks_.insert(network.id);
    return;
  } else {
    addresses_.hold(network);
    if (network.ingress && change.before && change.before->allocated.empty()) note_ingress(store);
  }
  wake(network.id);
}

// From now on services that publish ports have an address there: those that are there already, too.
void Allocator::note_ingress(const store::Store& store) {
  for (const auto& [id, service] : store.services())
    if (ingress_for(service->spec.endpoint)) dirty_services_.insert(id);
}

void Allocator::note(const store::Change<model::Service>& change) {
  const ServiceId id = change.latest().id;
  bool freed = false;
  if (change.before) {
    freed = ports_.release(id, change.before->ports);
    give_back(change.before->virtual_ips);
  }
  if (change.after) {
    ports_.hold(id, change.after->ports);
    for (const auto& one : change.after->virtual_ips) addresses_.hold(one.network_id, one.address);
  }
  if (change.removed()) go_on(id);
  if (freed) wake({});
  dirty_services_.insert(id);
}

void Allocator::note(const store::Change<model::Task>& change) {
  const model::Task& task = change.latest();
  if (change.before && holds(*change.before) && (!change.after || !holds(*change.after)) &&
      !change.before->attachments.empty()) {
    give_back(change.before->attachments);
  }
  if (change.after && is_waiting(task)) {
    const bool is_new = new_tasks_[task.service_id].insert(task.id).second;
    if (!is_new) return;
    dirty_services_.insert(task.service_id);
    if (const auto waiting = waiting_.find(task.service_id); waiting != waiting_.end())
      waiting->second.untold.insert(task.id);
  } else if (const auto it = new_tasks_.find(task.service_id); it != new_tasks_.end()) {
    it->second.erase(task.id);
    if (it->second.empty()) new_tasks_.erase(it);
  }
}

void Allocator::give_back(const std::vector<model::VirtualIp>& addresses) {
  for (const auto& one : addresses) {
    addresses_.give_back(one.network_id, one.address);
    wake(one.network_id);
  }
}

void Allocator::give_back(const Attachments& attachments) {
  for (const auto& one : attachments) {
    for (const auto& address : one.addresses) addresses_.give_back(one.network_id, address);
    wake(one.network_id);
  }
}

// ---- networks

void Allocator::plan_networks(Plan& plan) {
  if (plan.store.feature_level() < model::kNetworksSince) return;
  while (!bare_networks_.empty() && !plan.is_full()) {
    const NetworkId id = *bare_networks_.begin();
    bare_networks_.erase(bare_networks_.begin());
    const auto network = plan.store.network(id);
    if (!network || addresses_.has(id)) continue;
    auto subnets = addresses_.allocate(*network);
    if (!subnets) {
      why_bare_[id] = subnets.error().message;
      continue;
    }
    why_bare_.erase(id);
    in_flight_networks_.insert(id);
    model::Network allocated = *network;
    allocated.allocated = std::move(*subnets);
    plan.transaction.actions.push_back(model::Put{std::move(allocated)});
  }
}

// The overlay networks of tasks of this spec; those of the hosts (`host`, `bridge`) need nothing. An old
// client names them beside the tasks' spec.
std::vector<NetworkId> Allocator::networks_of(const store::Store& store, const model::TaskSpec& spec,
                                              ServiceId service) const {
  const auto owner = spec.networks.empty() ? store.service(service) : nullptr;
  std::vector<NetworkId> out;
  for (const auto& attachment : owner ? owner->spec.networks : spec.networks) {
    const auto id = NetworkId::parse(attachment.target);
    if (!id) continue;
    const auto network = store.network(*id);
    if (network && !network->is_overlay()) continue;
    if (std::find(out.begin(), out.end(), *id) == out.end()) out.push_back(*id);
  }
  return out;
}

// Where ports are published for the whole swarm, there are addresses on ingress, too.
std::optional<NetworkId> Allocator::ingress_for(const std::optional<model::EndpointSpec>& endpoint) const {
  if (!model::needs_ingress(endpoint) || !ingress_) return std::nullopt;
  return addresses_.has(*ingress_) ? ingress_ : std::nullopt;
}

Result<std::string> Allocator::take(NetworkId id, TaskId task, Plan& plan) {
  auto address = addresses_.take(id);
  if (!address) return plan.lacking = id, missing(plan.store, id, address.error());
  in_flight_addresses_.push_back({id, *address, task});
  return address;
}

Error Allocator::missing(const store::Store& store, NetworkId id, const Error& why) const {
  const auto network = store.network(id);
  if (!network) return plain_error(Code::not_found, "network " + id.str() + " is not there");
  const auto bare = why_bare_.find(id);
  return plain_error(why.code, "network " + network->annotations.name + ": " +
                                   (bare == why_bare_.end() ? why.message : bare->second));
}

// ---- services and their tasks

Result<std::vector<model::VirtualIp>> Allocator::addresses_for(const model::Service& service, Plan& plan) {
  std::vector<model::VirtualIp> out;
  const auto& endpoint = service.spec.endpoint;
  if (endpoint && endpoint->mode == model::EndpointMode::dnsrr) return out;
  const auto keep = [&](NetworkId id) {
    for (const auto& had : service.virtual_ips)
      if (had.network_id == id) return out.push_back(had), true;
    return false;
  };
  if (const auto ingress = ingress_for(endpoint); ingress && !keep(*ingress))
    if (auto address = take(*ingress, {}, plan)) out.push_back({*ingress, std::move(*address)});
  for (const NetworkId id : networks_of(plan.store, service.spec.task, service.id)) {
    if (keep(id)) continue;
    auto address = take(id, {}, plan);
    if (!address) return address.error();
    out.push_back({id, std::move(*address)});
  }
  return out;
}

// An error says what the service's tasks must wait for.
Result<void> Allocator::allocate(const model::Service& service, Plan& plan) {
  auto ports = ports_.ports_for(service);
  if (!ports) return plan.lacking = {}, ports.error();
  std::vector<model::VirtualIp> addresses = service.virtual_ips;
  if (plan.store.feature_level() >= model::kNetworksSince) {
    auto found = addresses_for(service, plan);
    if (!found) return found.error();
    addresses = std::move(*found);
  }
  if (*ports == service.ports && addresses == service.virtual_ips) return {};
  ports_.hold(service.id, *ports);
  in_flight_ports_.push_back({service.id, *ports});
  model::Service allocated = service;
  allocated.ports = std::move(*ports);
  allocated.virtual_ips = std::move(addresses);
  plan.transaction.actions.push_back(model::Put{std::move(allocated)});
  return {};
}

Result<Allocator::Attachments> Allocator::attachments_for(const model::Task& task, Plan& plan) {
  Attachments out;
  if (plan.store.feature_level() < model::kNetworksSince) return out;
  if (const auto ingress = ingress_for(task.templ->endpoint))
    if (auto address = take(*ingress, task.id, plan)) out.push_back({*ingress, {std::move(*address)}, true});
  for (const NetworkId id : networks_of(plan.store, task.spec(), task.service_id)) {
    auto address = take(id, task.id, plan);
    if (!address) return address.error();
    out.push_back({id, {std::move(*address)}});
  }
  return out;
}

// Says once to each task what its service waits for.
void Allocator::wait(ServiceId id, const Plan& plan, const std::string& why) {
  const auto tasks = new_tasks_.find(id);
  const auto before = waiting_.find(id);
  const bool is_news = before == waiting_.end() || before->second.why != why;
  std::set<TaskId> untold;
  if (is_news && tasks != new_tasks_.end()) untold = tasks->second;
  if (!is_news) untold = std::move(before->second.untold);
  go_on(id);
  waiting_[id] = {plan.lacking, why, std::move(untold)};
  waiting_for_[plan.lacking].insert(id);
}

void Allocator::tell_waiting(ServiceId id, Plan& plan) {
  Waiting& waiting = waiting_.at(id);
  while (!waiting.untold.empty() && !plan.is_full()) {
    const auto task = plan.store.task(*waiting.untold.begin());
    waiting.untold.erase(waiting.untold.begin());
    if (task && is_waiting(*task) && task->status.err != waiting.why)
      plan.transaction.actions.push_back(waiting_step(*task, waiting.why, plan.wall));
  }
}

// What was taken for something that could not be had whole.
void Allocator::give_up_since(std::size_t taken) {
  for (; in_flight_addresses_.size() > taken; in_flight_addresses_.pop_back())
    addresses_.give_back(in_flight_addresses_.back().network, in_flight_addresses_.back().address);
}

// A step is applied although its task has ended, or is gone: then no later change gives its addresses back.
void Allocator::give_back_in_flight(const store::Store& store, bool applied) {
  for (const Taken& taken : in_flight_addresses_) {
    const auto task = store.task(taken.task);
    const bool is_held = taken.task.empty() || (task && holds(*task));
    if (applied && is_held) continue;
    addresses_.give_back(taken.network, taken.address);
    wake(taken.network);
  }
  in_flight_addresses_.clear();
}

// Without an error the task has what it needs, and the plan makes it pending.
Result<void> Allocator::ready(const model::Task& task, Plan& plan) {
  const std::size_t taken = in_flight_addresses_.size();
  auto attachments = attachments_for(task, plan);
  if (!attachments) return give_up_since(taken), attachments.error();
  model::TaskStep step = pending_step(task.id, plan.wall);
  step.attachments = std::move(*attachments);
  plan.transaction.actions.push_back(std::move(step));
  return {};
}

// Returns false if tasks are left for the next plan: those readied here will have left by then.
bool Allocator::plan_service(ServiceId id, Plan& plan) {
  const auto service = plan.store.service(id);
  const std::size_t taken = in_flight_addresses_.size();
  Result<void> has = service ? allocate(*service, plan) : Result<void>();
  if (!has) give_up_since(taken);
  if (const auto tasks = new_tasks_.find(id); tasks != new_tasks_.end()) {
    SWARM_CHECK(!tasks->second.empty(), "service", id);
    for (auto it = tasks->second.begin(); has && it != tasks->second.end(); ++it) {
      if (plan.is_full()) return false;
      has = ready(*plan.store.task(*it), plan);
    }
  }
  if (has) return go_on(id), true;
  wait(id, plan, has.error().message);
  tell_waiting(id, plan);
  return waiting_.at(id).untold.empty();
}

// ---- the loop

std::optional<model::Transaction> Allocator::plan(const store::Store& store, Instant, WallTime wall) {
  SWARM_CHECK(in_flight_.empty() && in_flight_ports_.empty() && in_flight_addresses_.empty(),
              "the last plan is not settled");
  Plan plan{store, wall, {}};
  plan_networks(plan);
  while (!dirty_services_.empty() && !plan.is_full()) {
    const ServiceId id = *dirty_services_.begin();
    in_flight_.insert(id);
    if (!plan_service(id, plan)) break;
    dirty_services_.erase(id);
  }
  if (!plan.transaction.empty()) return std::move(plan.transaction);
  in_flight_.clear();
  return std::nullopt;
}

void Allocator::settled(const store::Store& store, const model::Outcome& outcome, Instant) {
  give_back_in_flight(store, outcome.applied);
  if (!outcome.applied) {
    for (const auto& [id, ports] : in_flight_ports_) {
      ports_.release(id, ports);
      if (const auto service = store.service(id)) ports_.hold(id, service->ports);
    }
    for (const NetworkId id : in_flight_networks_) {
      addresses_.release(id);
      if (store.network(id)) bare_networks_.insert(id);
    }
    dirty_services_.insert(in_flight_.begin(), in_flight_.end());
    for (const ServiceId id : in_flight_) go_on(id);  // what its tasks were to be told was not
  }
  in_flight_ports_.clear();
  in_flight_networks_.clear();
  in_flight_.clear();
}

}  // namespace swarm::allocator
