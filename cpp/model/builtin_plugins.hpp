// The drivers that the engine of every node has, in both worlds: as Docker shows them in `docker info` and
// `docker node inspect`.
#pragma once

#include <vector>

#include "model/node.hpp"

namespace swarm::model {

inline std::vector<Plugin> builtin_plugins() {
  return {{"Log", "json-file"},
          {"Network", "bridge"},
          {"Network", "host"},
          {"Network", "overlay"},
          {"Volume", "local"}};
}

}  // namespace swarm::model
