// Reopening: when a manager whose disk has failed tries to open it again: every second. Where it could be
// opened and fails again soon, attempts are twice as far apart: a member that comes and goes costs the others
// elections.
#pragma once

#include <optional>

#include "base/time.hpp"

namespace swarm::node {

class Reopening {
 public:
  // The disk has failed, or an attempt has: the next attempt is planned, if none is.
  void failed(Instant now);
  // Returns true if an attempt is due now; it counts as begun.
  bool begin(Instant now);
  void opened(Instant now);
  Instant next_deadline() const { return next_; }

 private:
  Instant next_ = Instant::never();
  Duration wait_ = Duration::seconds(1);
  std::optional<Instant> opened_at_;  // and it has not failed since
};

}  // namespace swarm::node
