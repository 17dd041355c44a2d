// VirtualClock: one machine's own time. It moves with the world's events and with nothing else; a `clock`
// fault makes it run at another rate, or sets it.
//
// Monotonic time never goes back; wall time may. Whole numbers only: the rate is in parts per thousand
// million, and `world_of` is the first instant of the world at which this clock shows what was asked for.
#pragma once

#include "sim/shared.hpp"

namespace swarm::sim {

class VirtualClock final : public ports::Clock {
 public:
  static constexpr std::int64_t kTrueRate = 1'000'000'000;

  explicit VirtualClock(const Shared& shared) : shared_(shared) {}
  Instant now() override { return local(); }
  WallTime wall() override { return wall_of_now(); }

  bool is_true() const { return !own_; }
  Instant local() const { return own_ ? base_ + since_base() : shared_.now; }
  WallTime wall_of_now() const {
    return own_ ? shared_.wall() + wall_offset_ + gained_ + (since_base() - (shared_.now - world_base_))
                : shared_.wall();
  }
  Instant world_of(Instant local) const {
    if (!own_ || local == Instant::never()) return local;
    const __int128 wanted = static_cast<__int128>((local - base_).ns) * kTrueRate;
    const __int128 span = wanted <= 0 ? 0 : (wanted + rate_ - 1) / rate_;
    return world_base_ + Duration{saturate<std::int64_t>(span)};
  }

  // From now on: the wall clock is off by `wall_offset`, both run at `rate`, and the monotonic one has just
  // jumped ahead. At the true rate the wall clock is right again but for the offset.
  void set(Duration wall_offset, std::int64_t rate, Duration ahead) {
    const Instant now = local();
    gained_ = rate == kTrueRate ? Duration{} : gained_ + (now - base_ - (shared_.now - world_base_));
    base_ = now + std::max(ahead, Duration{});
    world_base_ = shared_.now;
    wall_offset_ = wall_offset;
    rate_ = rate;
    own_ = true;
  }

 private:
  Duration since_base() const {
    const __int128 passed = (shared_.now - world_base_).ns;
    return {saturate<std::int64_t>(passed * rate_ / kTrueRate)};
  }

  const Shared& shared_;
  bool own_ = false;  // false: no fault has touched it, and it shows the world's time
  Instant base_, world_base_;
  std::int64_t rate_ = kTrueRate;
  Duration wall_offset_, gained_;
};

}  // namespace swarm::sim
