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
  SWARM_ROW(auxiliary, omit("AuxiliaryAddresses"));
  SWARM_ROW(vni);
}

SWARM_DESCRIBE(Network) {
  SWARM_ROW(annotations);
  SWARM_ROW(meta);
  SWARM_ROW(driver);
  SWARM_ROW(predefined);
  SWARM_ROW(ipam);
  SWARM_ROW(options);
  SWARM_ROW(allocated);
  SWARM_SHOW("Name", of.annotations.name);
  SWARM_ROW(id, always("Id"));
  SWARM_SHOW("Created", of.meta.created_at);
  SWARM_SHOW("Scope", "swarm");
  SWARM_SHOW("Driver", of.shown_driver());
  SWARM_SHOW("EnableIPv4", true);
  SWARM_SHOW("EnableIPv6", false);
  SWARM_SHOW("IPAM.Driver", "default");
  SWARM_SHOW("IPAM.Options", nullptr);
  SWARM_SHOW("IPAM.Config", of.shown_ipam());
  SWARM_ROW(internal, always("Internal"));
  SWARM_ROW(attachable, always("Attachable"));
  SWARM_ROW(ingress, always("Ingress"));
  SWARM_SHOW("ConfigFrom.Network", "");
  SWARM_SHOW("ConfigOnly", false);
  SWARM_SHOW("Containers", nullptr);
  SWARM_SHOW("Options", of.shown_options());
  SWARM_SHOW("Labels", of.shown_labels());
  SWARM_PLACE("Peers");
  SWARM_PLACE("Services");
}
SWARM_CASE(Put, Network, network)

}  // namespace swarm::model
