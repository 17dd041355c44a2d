// Resources: what a node has, and what a task reserves or may use at most.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swarm::model {

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
