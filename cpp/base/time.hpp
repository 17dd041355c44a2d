// Time as values. The core never reads a clock: its caller passes `now`.
//
// Instant is monotonic and means something on one node only. WallTime is what a calendar shows; it is stamped
// by leaders into log entries and never compared to decide anything but display and certificates.
//
// Arithmetic saturates: a span of any length may be added to any time, and what lies beyond the end of the
// calendar (some 292 years) is at its end, which means "practically never". It never begins again at the
// start.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/number.hpp"

namespace swarm {

// A span in nanoseconds; may be negative.
struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration nanos(std::int64_t n) { return {n}; }
  static constexpr Duration micros(std::int64_t n) { return Duration{1'000} * n; }
  static constexpr Duration millis(std::int64_t n) { return Duration{1'000'000} * n; }
  static constexpr Duration seconds(std::int64_t n) { return Duration{1'000'000'000} * n; }
  static constexpr Duration max() { return {std::numeric_limits<std::int64_t>::max()}; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {saturating_add(a.ns, b.ns)}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {saturating_sub(a.ns, b.ns)}; }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return {saturating_mul(a.ns, n)}; }
  friend constexpr Duration operator/(Duration a, std::int64_t n) {
    return n == -1 ? Duration{} - a : Duration{a.ns / n};
  }
};

// A point on one node's monotonic clock, in nanoseconds from an arbitrary start. Never stays never, whatever
// is added to it or taken off.
struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return t == never() ? t : Instant{saturating_add(t.ns, d.ns)};
  }
  friend constexpr Instant operator-(Instant t, Duration d) {
    return t == never() ? t : Instant{saturating_sub(t.ns, d.ns)};
  }
  friend constexpr Duration operator-(Instant a, Instant b) { return {saturating_sub(a.ns, b.ns)}; }
};

// Nanoseconds since 1970-01-01T00:00:00Z.
struct WallTime {
  std::int64_t ns = 0;

  friend constexpr auto operator<=>(WallTime, WallTime) = default;
  friend constexpr WallTime operator+(WallTime t, Duration d) { return {saturating_add(t.ns, d.ns)}; }
  friend constexpr Duration operator-(WallTime a, WallTime b) { return {saturating_sub(a.ns, b.ns)}; }
};

// RFC 3339 in UTC with as many fraction digits as are needed (Go's RFC3339Nano): "2026-01-02T03:04:05.6Z".
// The zero WallTime is Go's zero time, "0001-01-01T00:00:00Z", as Docker's clients expect.
std::string to_rfc3339(WallTime time);
// Always nine fraction digits, as Docker's log timestamps have.
std::string to_rfc3339_fixed(WallTime time);
// A year that WallTime cannot hold ("9999-01-01T00:00:00Z") is the last moment that it can.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Go's notation: "1h2m3.5s", "500ms", ".5s", "-10s". Empty for anything else, and, as in Go, for more than a
// Duration can hold.
std::optional<Duration> parse_duration(std::string_view text);
std::string to_string(Duration duration);

}  // namespace swarm
