// The fields of a key of the register (model/key_value.hpp).
#pragma once

#include "model/describe/meta.hpp"
#include "model/key_value.hpp"

namespace swarm::model {

SWARM_FIELDS(KeyValue, key, meta, value)
SWARM_FIELDS(WriteKey, key, value, if_version, if_value)

}  // namespace swarm::model
