// Gate: a cheap test of whether a wait may be over. The exact test costs more and is in Python
// (swarmpy/_converge.py); it runs only while the gate is open.
//
// Invariant: closed only while the exact answer is "not yet".
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
  // For each: no update is under way, and exactly as many tasks of its newest spec run as it wants; or its
  // update is paused.
  std::vector<ServiceId> services;
  std::size_t ready_nodes = 0;  // at least so many nodes are ready
};

// `dead`: hostnames of machines that do not run, even if the swarm has not noticed it.
bool is_open(const Gate& gate, const store::Store& store, const std::set<std::string>& dead);

}  // namespace swarm::sim
