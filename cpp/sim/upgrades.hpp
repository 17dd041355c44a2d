// Upgrades: an administrator who upgrades machines in any order, and sometimes goes back to the older build.
// In this world keys (kv) came with feature level 2, and every machine begins with a build that knows level
// 1. When the storm is over all have the newer one. For chaos.
#pragma once

#include <string>
#include <vector>

#include "sim/world.hpp"

namespace swarm::sim {

// A build with this feature level, in a world in which keys came with level 2.
model::Build keys_are_new(model::FeatureLevel level);
// The machine's daemon is killed, and the next one is of this build.
void restart_with(World& world, const std::string& machine, const model::Build& build);

class Upgrades {
 public:
  Upgrades(World& world, Rng rng) : world_(world), rng_(rng) {}
  void begin();   // before there is a swarm
  void poll();    // installs a build now and then: it runs from the next start on, or at once
  void finish();  // the newer build everywhere

 private:
  World& world_;
  Rng rng_;
  Instant next_;
};

}  // namespace swarm::sim
