// The fields of a service (model/service.hpp).
#pragma once

#include "model/describe/meta.hpp"
#include "model/describe/service_spec.hpp"
#include "model/service.hpp"

namespace swarm::model {

SWARM_DESCRIBE(UpdateStatus) {
  SWARM_ROW(state, always("State"));
  SWARM_ROW(started_at, omit("StartedAt"));
  SWARM_ROW(completed_at, omit("CompletedAt"));
  SWARM_ROW(message, always("Message"));
}

SWARM_DESCRIBE(VirtualIp) {
  SWARM_ROW(network_id, always("NetworkID"));
  SWARM_ROW(address, always("Addr"));
}

// docker/objects.cpp writes its JSON: the endpoint there is made of two fields.
SWARM_FIELDS(Service, id, meta, spec, spec_version, previous_spec, previous_spec_version, update_status,
             ports, virtual_ips)
SWARM_CASE(Put, Service, service)

}  // namespace swarm::model
