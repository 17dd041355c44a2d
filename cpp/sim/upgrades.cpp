#include "sim/upgrades.hpp"

#include <string>

#include "base/time.hpp"
#include "model/feature_level.hpp"
#include "model/key_value.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

model::Build keys_are_new(model::FeatureLevel level) { return {level, {{model::KeyValue::kKind, 2}}}; }

void restart_with(World& world, const std::string& machine, const model::Build& build) {
  world.set_build(machine, build);
  world.crash(machine);
  world.start(machine);
}

void Upgrades::begin() {
  for (const auto& name : world_.machines()) restart_with(world_, name, keys_are_new(1));
  next_ = world_.now();
}

// Newer ones more often than older ones: else the level would hardly ever rise.
void Upgrades::poll() {
  if (world_.now() < next_) return;
  const auto machines = world_.machines();
  const std::string& name = machines[rng_.below(machines.size())];
  const bool newer = rng_.chance(3, 4);
  const bool at_once = rng_.chance(2, 3);
  world_.set_build(name, keys_are_new(newer ? 2 : 1));
  if (at_once && world_.alive(name)) {
    world_.crash(name);
    world_.start(name);
  }
  next_ = world_.now() + Duration::millis(rng_.between(500, 6'000));
}

void Upgrades::finish() {
  for (const auto& name : world_.machines()) restart_with(world_, name, keys_are_new(2));
}

}  // namespace swarm::sim
