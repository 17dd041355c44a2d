// AtRest: what must hold once a swarm has come to rest, besides convergence: on each machine exactly the
// processes run that the store wants there, exactly the published ports are open, overlay networks lead where
// they should, and no history is longer than it may be (reliability.md, S13 and invariant 16).
#pragma once

#include <string>

#include "sim/machine.hpp"
#include "store/store.hpp"

namespace swarm::sim {

// Returns the first thing that is not as `store`, the leader's, says; "" if all is.
std::string not_at_rest(const Machines& machines, const store::Store& store);

}  // namespace swarm::sim
