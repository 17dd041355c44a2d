// Allocator: makes tasks ready to be scheduled (NEW -> PENDING). Networks get their subnets, services the
// published ports that they left open and a virtual address on each of their networks, tasks an address on
// each (swarmkit manager/allocator).
//
// Leader only; made at election, destroyed at step-down. A task waits until its networks, its service and
// itself have what they need, and its status says what is missing. The exception is ingress, whose addresses
// no task of this engine needs to be reached: when its subnet is full, a task goes without. NOT here: which
// numbers are free (ports, addresses); host-mode ports, which the node picks. Checked: `new_tasks_` holds
// tasks that are NEW, and no empty sets.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/addresses.hpp"
#include "allocator/ports.hpp"
#include "base/id.hpp"
#include "store/leader_loop.hpp"

namespace swarm::allocator {

class Allocator final : public store::LeaderLoop {
 public:
  const char* name() const override { return "allocator"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store& store, const model::Outcome& outcome, Instant now) override;
  Instant next_deadline() const override { return Instant::never(); }

 private:
  struct Plan;
  using Attachments = std::vector<model::TaskAttachment>;

  // ---- what the store has
  void note(const store::Store& store, const store::Change<model::Network>& change);
  void note(const store::Change<model::Service>& change);
  void note(const store::Change<model::Task>& change);
  void note_pools(const store::Store& store);
  void note_ingress(const store::Store& store);
  void give_back(const std::vector<model::VirtualIp>& addresses);
  void give_back(const Attachments& attachments);
  void wake(NetworkId lacking);
  void wake_all();
  void wait(ServiceId id, const Plan& plan, const std::string& why);
  void go_on(ServiceId id);

  // ---- a plan
  void plan_networks(Plan& plan);
  bool plan_service(ServiceId id, Plan& plan);
  Result<void> allocate(const model::Service& service, Plan& plan);
  Result<std::vector<model::VirtualIp>> addresses_for(const model::Service& service, Plan& plan);
  Result<Attachments> attachments_for(const model::Task& task, Plan& plan);
  Result<void> ready(const model::Task& task, Plan& plan);
  void tell_waiting(ServiceId id, Plan& plan);
  void give_up_since(std::size_t taken);
  void give_back_in_flight(const store::Store& store, bool applied);
  std::vector<NetworkId> networks_of(const store::Store& store, const model::TaskSpec& spec,
                                     ServiceId service) const;
  std::optional<NetworkId> ingress_for(const std::optional<model::EndpointSpec>& endpoint) const;
  Result<std::string> take(NetworkId id, TaskId task, Plan& plan);
  Error missing(const store::Store& store, NetworkId id, const Error& why) const;

  PublishedPorts ports_;
  Addresses addresses_;
  std::optional<NetworkId> ingress_;
  std::set<NetworkId> bare_networks_;          // that have no subnet yet, and are to be looked at
  std::map<NetworkId, std::string> why_bare_;  // that were looked at, and could get none
  // Services that lack something, and what: addresses of a network, or a published port (the empty id).
  struct Waiting {
    NetworkId lacking;
    std::string why;
    std::set<TaskId> untold;  // tasks that came since
  };
  std::map<ServiceId, Waiting> waiting_;
  std::map<NetworkId, std::set<ServiceId>> waiting_for_;
  std::map<ServiceId, std::set<TaskId>> new_tasks_;
  std::set<ServiceId> dirty_services_;

  // What the plan under way has taken, in case that it is refused.
  std::set<ServiceId> in_flight_;
  std::vector<std::pair<ServiceId, Ports>> in_flight_ports_;
  struct Taken {
    NetworkId network;
    std::string address;
    TaskId task;  // empty: for a service
  };
  std::vector<Taken> in_flight_addresses_;
  std::set<NetworkId> in_flight_networks_;
};

}  // namespace swarm::allocator
