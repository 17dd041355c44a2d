// Routes: which handler answers a method and a path, on which node, and whether it needs a manager.
//
// `*` stands for one segment, `**` for one or more (names of images hold slashes). The first match wins.
#pragma once

#include <string>

#include "docker/call.hpp"

namespace swarm::docker {

enum class Needs : std::uint8_t { nothing, manager };

struct Route {
  const char* method;
  const char* path;
  Scope scope = Scope::local;
  Needs needs = Needs::nothing;
  Handler handler = nullptr;
  const char* not_yet = nullptr;  // in place of a handler: the sentence of a 501
};

// Returns true for a read that a manager without a leader answers by what it has itself, once it has waited
// for one. The unlock key: managers that are locked wait for the key, and a leader for them. Networks: the
// node's own are among them (moby api/server/router/network, getNetworksList).
bool is_own_without_leader(const Routed& what);

struct Match {
  const Route* route = nullptr;  // null: page not found
  std::string name;
};
Match find_route(const std::string& method, const Target& target);

}  // namespace swarm::docker
