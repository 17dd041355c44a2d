// LoadOptions: a load as it is asked for (World::begin_load). Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace swarm::sim {

using LoadId = std::uint64_t;  // 0: no load's

struct LoadOptions {
  std::uint32_t port = 0;
  std::vector<std::string> machines;
  std::uint64_t per_1000_seconds = 0;  // requests
  std::optional<Duration> span;
};

}  // namespace swarm::sim
