// Gate: could it be over, what somebody waits for? What must be true at least, so that the exact question,
// which costs more and is Python's (swarmpy/_converge.py), is asked when it may have another answer.
//
// Invariant: closed only where the exact answer is "not yet".
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/id.hpp"

namespace swarm::store {
class Store;
}

namespace swarm::sim {

struct Gate {
  // Of each: no update goes on, as many tasks of its newest spec run as it wants and no others; or it stands
  // still.
  std::vector<ServiceId> services;
  std::size_t ready_nodes = 0;  // so many nodes are ready at least
};

// `dead`: hostnames of machines that do not run, whatever the swarm has noticed.
bool is_open(const Gate& gate, const store::Store& store, const std::set<std::string>& dead);

}  // namespace swarm::sim
