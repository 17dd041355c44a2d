// FaultyClock: a daemon's own clock when a fault makes it wrong: off by an offset, at another rate, set
// ahead. As the simulator's (sim/virtual_clock): monotonic time never goes back, wall time may.
#pragma once

#include <algorithm>

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

class FaultyClock final : public ports::Clock {
 public:
  static constexpr std::int64_t kTrueRate = 1'000'000'000;

  Instant now() override { return own_ ? base_ + since_base() : steady_now(); }
  WallTime wall() override {
    if (!own_) return wall_now();
    return wall_now() + (wall_offset_ + gained_ + (since_base() - (steady_now() - true_base_)));
  }

  // When the machine's clock must ring so that this one shows `local`.
  Instant true_time_of(Instant local) const {
    if (!own_ || local == Instant::never()) return local;
    const __int128 wanted = static_cast<__int128>((local - base_).ns) * kTrueRate;
    return true_base_ + Duration{wanted <= 0 ? 0 : static_cast<std::int64_t>((wanted + rate_ - 1) / rate_)};
  }

  // From now on: the wall clock is off by `wall_offset`, both run at `rate`, and the monotonic one has just
  // jumped ahead. At the true rate the wall clock is right again but for the offset.
  void set(Duration wall_offset, std::int64_t rate, Duration ahead) {
    const Instant here = now(), truth = steady_now();
    gained_ = rate == kTrueRate || !own_ ? Duration{} : gained_ + (here - base_ - (truth - true_base_));
    base_ = here + std::max(ahead, Duration{});
    true_base_ = truth;
    wall_offset_ = wall_offset;
    rate_ = rate;
    own_ = true;
  }

 private:
  Duration since_base() const {
    const __int128 passed = (steady_now() - true_base_).ns;
    return {static_cast<std::int64_t>(passed * rate_ / kTrueRate)};
  }

  bool own_ = false;  // false: no fault has touched it
  Instant base_, true_base_;
  std::int64_t rate_ = kTrueRate;
  Duration wall_offset_, gained_;
};

}  // namespace swarm::real
