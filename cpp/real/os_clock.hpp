// OsClock: the machine's monotonic clock, and its calendar.
#pragma once

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

class OsClock final : public ports::Clock {
 public:
  Instant now() override { return steady_now(); }
  WallTime wall() override { return wall_now(); }
};

}  // namespace swarm::real
