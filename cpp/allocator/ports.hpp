// PublishedPorts: who has which published port, and what a service gets (swarmkit
// manager/allocator/portallocator.go). In ingress mode a (protocol, port) belongs to one service; the numbers
// that a service leaves open are found between 30000 and 32767. NOT here: host-mode ports, which the node
// picks.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/result.hpp"
#include "model/service.hpp"

namespace swarm::allocator {

using Ports = std::vector<model::PortConfig>;

class PublishedPorts {
 public:
  void hold(ServiceId id, const Ports& ports);
  // Returns true if another service may have one of them now.
  bool release(ServiceId id, const Ports& ports);
  // What the service gets: first what its user chose, then what it has already, then new numbers. An error
  // says which port cannot be had now.
  Result<Ports> ports_for(const model::Service& service) const;

 private:
  bool is_free(const model::PortKey& key, ServiceId asking) const;
  Error taken(const model::PortKey& key) const;

  // In the store and in the plan under way. Two holders: an update that the API let through in a race.
  std::map<model::PortKey, std::set<ServiceId>> holders_;
};

}  // namespace swarm::allocator
