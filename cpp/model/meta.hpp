// What every object carries: its version and its times.
#pragma once

#include <cstdint>

#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::model {

// `version` is the index of the log entry that last wrote the object: it only grows, and an update must name
// it. (SwarmKit stamps the commit index read when the transaction began; clients only ever compare for
// equality.)
struct Meta {
  std::uint64_t version = 0;
  WallTime created_at;
  WallTime updated_at;
  bool operator==(const Meta&) const = default;
};

}  // namespace swarm::model
