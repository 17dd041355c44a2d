// Clones: the administrator copies virtual machines. Starts a second machine with a copy of a node's data
// root, beside the node or while it is down, and ends it after a while. For chaos.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/world.hpp"

namespace swarm::sim {

class Clones {
 public:
  Clones(World& world, Rng rng, std::vector<std::string> machines)
      : world_(world), rng_(rng), machines_(std::move(machines)), next_(world.now()) {}
  void poll();
  void finish();  // ends the one that runs

 private:
  World& world_;
  Rng rng_;
  std::vector<std::string> machines_;
  std::string cloned_;  // "": none
  Instant next_;
};

}  // namespace swarm::sim
