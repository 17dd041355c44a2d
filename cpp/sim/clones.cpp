#include "sim/clones.hpp"

#include "base/time.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

void Clones::poll() {
  if (world_.now() < next_) return;
  if (cloned_.empty()) {
    cloned_ = machines_[rng_.below(machines_.size())];
    world_.clone(cloned_);
    next_ = world_.now() + Duration::millis(rng_.between(200, 12'000));
  } else {
    finish();
    next_ = world_.now() + Duration::millis(rng_.between(200, 8'000));
  }
}

void Clones::finish() {
  if (cloned_.empty()) return;
  rng_.chance(1, 2) ? world_.crash(cloned_ + "-clone") : world_.power_off(cloned_ + "-clone");
  cloned_.clear();
}

}  // namespace swarm::sim
