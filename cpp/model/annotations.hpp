// What a user calls things: names, labels, and drivers with their options.
#pragma once

#include <map>
#include <string>

namespace swarm::model {

using Labels = std::map<std::string, std::string>;

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

}  // namespace swarm::model
