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

}  // namespace swarm::model
