// Which networks a service's spec is about: those that it names, and ingress, where its ports are published.
#pragma once

#include <algorithm>
#include <optional>
#include <set>

#include "base/id.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

// Those named in the tasks' spec, and beside it by an old client.
inline std::set<NetworkId> networks_named(const ServiceSpec& spec) {
  std::set<NetworkId> out;
  for (const auto* list : {&spec.task.networks, &spec.networks})
    for (const auto& attachment : *list)
      if (const auto id = NetworkId::parse(attachment.target)) out.insert(*id);
  return out;
}

// Returns true if a port is published for the whole swarm.
inline bool needs_ingress(const std::optional<EndpointSpec>& endpoint) {
  return endpoint && endpoint->mode == EndpointMode::vip &&
         std::any_of(endpoint->ports.begin(), endpoint->ports.end(),
                     [](const PortConfig& port) { return port.publish_mode == PublishMode::ingress; });
}

}  // namespace swarm::model
