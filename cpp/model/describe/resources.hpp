// The fields of resources (Docker Engine API, ResourceObject).
#pragma once

#include "model/describe.hpp"
#include "model/resources.hpp"

namespace swarm::model {

// In JSON it is one of two objects (docker/odd_fields.hpp).
SWARM_FIELDS(GenericResource, kind, name, value)
struct GenericResourcesWay;

SWARM_DESCRIBE(Resources) {
  SWARM_ROW(nano_cpus, omit("NanoCPUs"));
  SWARM_ROW(memory_bytes, omit("MemoryBytes"));
  SWARM_ROW(pids, omit("Pids"));
  SWARM_ROW(generic_resources, as<GenericResourcesWay>("GenericResources"));
}

}  // namespace swarm::model
