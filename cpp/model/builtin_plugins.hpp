// The drivers that the engine of every node has, in both worlds, and what runs its tasks (plugins of type
// Runtime, the node's capabilities): as Docker shows them in `docker info` and `docker node inspect`.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "model/node.hpp"

namespace swarm::model {

inline constexpr const char* kRuntimePlugin = "Runtime";

// By type, as Docker sorts them. `executors`: in the order in which the node's runner asks them. `overlay`:
// the node can carry overlay networks.
inline std::vector<Plugin> builtin_plugins(const std::vector<std::string>& executors, bool overlay) {
  std::vector<Plugin> out{{"Log", "json-file"}, {"Network", "bridge"}, {"Network", "host"}};
  if (overlay) out.push_back({"Network", "overlay"});
  for (const std::string& name : executors) out.push_back({kRuntimePlugin, name});
  out.push_back({"Volume", "local"});
  return out;
}

inline bool carries_overlay(const std::vector<Plugin>& plugins) {
  return std::find(plugins.begin(), plugins.end(), Plugin{"Network", "overlay"}) != plugins.end();
}

}  // namespace swarm::model
