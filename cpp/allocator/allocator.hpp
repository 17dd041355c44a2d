// Allocator: makes tasks ready to be scheduled (NEW -> PENDING), and gives services the published ports that
// they left open (swarmkit manager/allocator/portallocator.go).
//
// Leader only; made at election, destroyed at step-down. A task waits for its service's ports.
// NOT here: addresses of overlay networks (VIPs), which do not exist yet; host-mode ports, which the node
// picks. Invariants: a (protocol, port) in ingress mode belongs to one service; a port once given to a
// service stays with it for as long as its spec asks for a like one. Checked: a service leaves `ports_for`
// with a number for each ingress port; `new_tasks_` holds tasks that are NEW, and no empty sets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

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
  using Ports = std::vector<model::PortConfig>;

  void hold(ServiceId id, const Ports& ports);
  void release(ServiceId id, const Ports& ports);
  bool is_free(const model::PortKey& key, ServiceId asking) const;
  std::optional<Ports> ports_for(const model::Service& service) const;
  bool allocate(const model::Service& service, model::Transaction& transaction);
  void note(const store::Change<model::Task>& change);

  // Ports in the store and in the plan under way. Two holders: an update that the API let through in a race.
  std::map<model::PortKey, std::set<ServiceId>> holders_;
  std::set<ServiceId> without_ports_;  // a port that they ask for is taken
  std::map<ServiceId, std::set<TaskId>> new_tasks_;
  std::set<ServiceId> dirty_services_;
  std::set<ServiceId> in_flight_;
  std::vector<std::pair<ServiceId, Ports>> in_flight_ports_;
};

}  // namespace swarm::allocator
