// The fields of what every object carries (model/meta.hpp).
#pragma once

#include "model/describe.hpp"
#include "model/meta.hpp"

namespace swarm::model {

SWARM_DESCRIBE(Meta) {
  SWARM_ROW(version, shown("Version.Index"));
  SWARM_ROW(created_at, shown("CreatedAt"));
  SWARM_ROW(updated_at, shown("UpdatedAt"));
}

SWARM_DESCRIBE(Annotations) {
  SWARM_ROW(name, omit("Name"));
  SWARM_ROW(labels, always("Labels"));
}

SWARM_DESCRIBE(Driver) {
  SWARM_ROW(name, omit("Name"));
  SWARM_ROW(options, omit("Options"));
}

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
