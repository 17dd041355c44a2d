#include "sim/older_copies.hpp"

#include "base/time.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

void OlderCopies::poll() {
  const Instant now = world_.now();
  if (now < next_) return;
  if (kept_.empty()) {
    kept_ = machines_[rng_.below(machines_.size())];
    world_.keep_copy(kept_);
    next_ = now + Duration::millis(rng_.chance(1, 2) ? rng_.between(50, 1'000) : rng_.between(500, 15'000));
    give_up_ = next_ + Duration::seconds(5);
  } else if (world_.put_back(kept_) || give_up_ <= now) {
    kept_.clear();
    next_ = now + Duration::millis(rng_.between(500, 10'000));
  }
}

}  // namespace swarm::sim
