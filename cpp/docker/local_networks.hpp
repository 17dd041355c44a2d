// The networks that every node has of its own, by Docker's names. A task that names none is on `host`, in
// which the runner's processes are; the others are there because clients look for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/json.hpp"

namespace swarm::docker {

struct LocalNetwork {
  const char* name;
  const char* driver;
};

// `docker_gwbridge` only in a swarm.
std::vector<LocalNetwork> local_networks(const Context& context);
std::string local_network_id(const Context& context, const std::string& name);
// By name, id, or the beginning of the id.
std::optional<LocalNetwork> find_local_network(const Context& context, const std::string& name);
void write_local_network(Json& json, const Context& context, const LocalNetwork& network);
// Returns true for a name that no other network may have, on a worker or not.
bool is_local_network(const std::string& name);

}  // namespace swarm::docker
