// What a history of operations on one object contradicts itself in, in words; "" if one object could have
// answered so (linearizability/check.hpp).
#pragma once

#include <string>

#include "linearizability/history.hpp"

namespace swarm::sim {

// `object`: "the register".
std::string contradiction_in(const linearizability::History& history, const std::string& object);

}  // namespace swarm::sim
