// The fields of what a user calls things (model/annotations.hpp).
#pragma once

#include "model/annotations.hpp"
#include "model/describe.hpp"

namespace swarm::model {

SWARM_DESCRIBE(Annotations) {
  SWARM_ROW(name, omit("Name"));
  SWARM_ROW(labels, always("Labels"));
}

SWARM_DESCRIBE(Driver) {
  SWARM_ROW(name, omit("Name"));
  SWARM_ROW(options, omit("Options"));
}

}  // namespace swarm::model
