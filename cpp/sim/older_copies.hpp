// OlderCopies: the administrator restores backups. Keeps a copy of one machine's disk, and a while later
// starts the machine from it; a manager's only while no other member counts on what the copy lacks
// (World::put_back), since nothing may break then. For chaos. NOT here: disks that go back when they may not
// (faults `old_copy` by hand).
#pragma once

#include <string>
#include <vector>

#include "sim/world.hpp"

namespace swarm::sim {

class OlderCopies {
 public:
  OlderCopies(World& world, Rng rng, std::vector<std::string> machines)
      : world_(world), rng_(rng), machines_(std::move(machines)), next_(world.now()) {}
  void poll();

 private:
  World& world_;
  Rng rng_;
  std::vector<std::string> machines_;
  std::string kept_;  // whose copy there is; "": none
  Instant next_, give_up_;
};

}  // namespace swarm::sim
