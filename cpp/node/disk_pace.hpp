// DiskPace: is this member's disk slow? A disk that fails slowly answers all that it is asked, late, and
// nothing else notices it ("fail-slow": Gunawi et al., FAST 2018).
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.hpp"

namespace swarm::node {

// A disk is slow when most of its last durable writes took at least so long. A flush takes some ten
// milliseconds on a disk that turns, and a heartbeat of Raft goes every 50.
inline constexpr Duration kSlowWrite = Duration::millis(50);

class DiskPace {
 public:
  void began(Instant now) { began_ = now; }
  // The write that began last is durable.
  void ended(Instant now);
  bool is_slow() const { return count_ == kKept && typical() >= kSlowWrite; }
  // The median of the last durable writes.
  Duration typical() const;

 private:
  static constexpr std::size_t kKept = 8;
  std::array<Duration, kKept> took_{};  // a ring
  std::size_t count_ = 0, next_ = 0;
  std::optional<Instant> began_;
};

}  // namespace swarm::node
