// The fields of a node (model/node.hpp).
#pragma once

#include "model/describe/meta.hpp"
#include "model/describe/service_spec.hpp"
#include "model/node.hpp"

namespace swarm::model {

SWARM_DESCRIBE(NodeSpec) {
  SWARM_ROW(annotations, flat);
  SWARM_ROW(desired_role, required("Role"));
  SWARM_ROW(availability, required("Availability"));
}

SWARM_DESCRIBE(Plugin) {
  SWARM_ROW(type, always("Type"));
  SWARM_ROW(name, always("Name"));
}

// docker/objects.cpp writes its JSON: the API shows the DER in base 64.
SWARM_FIELDS(TlsInfo, trust_root, issuer, issuer_subject, issuer_public_key)

SWARM_DESCRIBE(NodeDescription) {
  SWARM_ROW(hostname, omit("Hostname"));
  SWARM_ROW(platform, always("Platform"));
  SWARM_ROW(resources, always("Resources"));
  SWARM_ROW(engine_version, omit("Engine.EngineVersion"));
  SWARM_ROW(engine_labels, omit("Engine.Labels"));
  SWARM_ROW(plugins, omit("Engine.Plugins"));
  SWARM_ROW_UNLESS(feature_level, kFirstLevel);
  SWARM_ROW(tls);
}

SWARM_DESCRIBE(NodeStatus) {
  SWARM_ROW(state, always("State"));
  SWARM_ROW(message, omit("Message"));
  SWARM_ROW(addr, omit("Addr"));
}

SWARM_FIELDS(ManagerStatus, raft_id, addr)
// docker/objects.cpp writes its JSON, with what only a manager knows.
SWARM_FIELDS(Node, id, meta, spec, description, status, role, manager)
SWARM_CASE(Put, Node, node)

}  // namespace swarm::model
