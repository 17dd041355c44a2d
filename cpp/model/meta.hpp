// What every object carries: its version, its times, its name and labels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::model {

using Labels = std::map<std::string, std::string>;

// `version` is the index of the log entry that last wrote the object: it only grows, and an update must name
// it. (SwarmKit stamps the commit index read when the transaction began; clients only ever compare for
// equality.)
struct Meta {
  std::uint64_t version = 0;
  WallTime created_at;
  WallTime updated_at;
  bool operator==(const Meta&) const = default;
};

struct Annotations {
  std::string name;
  Labels labels;
  bool operator==(const Annotations&) const = default;
};

// A driver by name with its options: log drivers, network drivers.
struct Driver {
  std::string name;
  Labels options;
  bool operator==(const Driver&) const = default;
};

// One generic resource: discrete (`value` counts) or named (`name` set, one of a kind).
struct GenericResource {
  std::string kind;
  std::string name;        // named resources only
  std::int64_t value = 0;  // discrete resources only
  bool operator==(const GenericResource&) const = default;
};

struct Resources {
  std::int64_t nano_cpus = 0;  // 1e9 is one CPU
  std::int64_t memory_bytes = 0;
  std::int64_t pids = 0;                           // limits only
  std::vector<GenericResource> generic_resources;  // reservations and capacities only
  bool operator==(const Resources&) const = default;
};

}  // namespace swarm::model
