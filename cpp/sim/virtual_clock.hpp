// VirtualClock: the world's time as a port. It moves with the events and with nothing else.
#pragma once

#include "sim/shared.hpp"

namespace swarm::sim {

class VirtualClock final : public ports::Clock {
 public:
  explicit VirtualClock(const Shared& shared) : shared_(shared) {}
  Instant now() override { return shared_.now; }
  WallTime wall() override { return shared_.wall(); }

 private:
  const Shared& shared_;
};

}  // namespace swarm::sim
