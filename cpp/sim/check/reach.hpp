// Reach: who answers whom on the overlay networks, once a swarm has come to rest: every pair of tasks of one
// network reaches each other from every machine, no pair of two networks does, and a virtual address leads to
// the running tasks of its service and to no other.
//
// Asked of the desired network of each machine, as connections would ask it (net/overlay/answers). NOT here:
// whether an address is given twice (address_rule).
#pragma once

#include <string>

#include "sim/machine.hpp"
#include "store/store.hpp"

namespace swarm::sim {

// Returns the first pair for which it is not so; "" if there is none.
std::string wrong_reach(const Machines& machines, const store::Store& store);

}  // namespace swarm::sim
