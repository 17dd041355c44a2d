// The fields of a network (model/network.hpp).
#pragma once

#include "model/describe/annotations.hpp"
#include "model/describe/meta.hpp"
#include "model/network.hpp"

namespace swarm::model {

SWARM_DESCRIBE(IpamConfig) {
  SWARM_ROW(subnet, omit("Subnet"));
  SWARM_ROW(ip_range, omit("IPRange"));
  SWARM_ROW(gateway, omit("Gateway"));
}

// docker/objects.cpp writes its JSON: half of it is constant.
SWARM_FIELDS(Network, id, meta, annotations, driver, ingress, internal, attachable, predefined, ipam, options)
SWARM_CASE(Put, Network, network)

}  // namespace swarm::model
