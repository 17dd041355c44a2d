// What is on a network, as `docker network inspect` shows it: the nodes that have tasks there, and, when the
// client asks for more (-v), its services with their tasks.
#pragma once

#include "docker/described.hpp"
#include "model/network.hpp"
#include "store/store.hpp"

namespace swarm::docker {

// Costs the tasks on the network.
InPlaces network_places(const store::Store& store, const model::Network& network, bool verbose);

}  // namespace swarm::docker
