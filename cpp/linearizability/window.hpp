// The smallest contradictory window: operations are left out as long as what is left contradicts itself.
//
// What is left out never makes a contradiction of its own: a read may go; a write may go when no operation
// that stays has seen its value (prepared.hpp, Observed).
#pragma once

#include <vector>

#include "linearizability/search.hpp"

namespace swarm::linearizability {

// `which`, by their calls, contradict themselves; afterwards as few of them as can be. False when the budget
// ended first: then some may be needless.
bool make_small(const History& history, Model model, Budget& budget, std::vector<std::uint32_t>& which);

}  // namespace swarm::linearizability
