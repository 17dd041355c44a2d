// Names for services that were given none: "youthful_tesla". The lists are swarmpy's own.
#pragma once

#include <string>

#include "base/rng.hpp"
#include "store/store.hpp"

namespace swarm::docker {

// A name that no service of the store has.
std::string invent_name(const store::Store& store, Rng& rng);

}  // namespace swarm::docker
