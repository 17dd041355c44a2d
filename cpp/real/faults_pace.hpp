// The pace of a throttled daemon: what it does takes a multiple of its time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>

#include "real/http/reactor.hpp"

namespace swarm::real {

inline constexpr std::int64_t kTruePace = 1'000'000'000;        // billionths
inline constexpr Duration kLongestTurn = Duration::seconds(2);  // of a throttled node

// Returns the time to add to `took`.
inline Duration longer_by(Duration took, std::int64_t factor) {
  const __int128 longer = static_cast<__int128>(took.ns) * (factor - kTruePace) / kTruePace;
  return {static_cast<std::int64_t>(std::clamp<__int128>(longer, 0, kLongestTurn.ns))};
}

// Sleeps for the time to add to work that began at `begun` and is done now.
inline void be_slow(Instant begun, std::int64_t factor) {
  const std::int64_t ns = longer_by(steady_now() - begun, factor).ns;
  const timespec pause{ns / 1'000'000'000, ns % 1'000'000'000};
  if (ns > 0) ::nanosleep(&pause, nullptr);
}

}  // namespace swarm::real
