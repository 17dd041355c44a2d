// Time as values. The core never reads a clock: it is told `now`.
//
// Instant is monotonic and means something on one node only. WallTime is what a calendar shows; it is stamped
// by leaders into log entries and never compared to decide anything but display and certificates.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace swarm {

// A span in nanoseconds; may be negative.
struct Duration {
  std::int64_t ns = 0;

  static constexpr Duration nanos(std::int64_t n) { return {n}; }
  static constexpr Duration micros(std::int64_t n) { return {n * 1'000}; }
  static constexpr Duration millis(std::int64_t n) { return {n * 1'000'000}; }
  static constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }
  constexpr std::int64_t to_millis() const { return ns / 1'000'000; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return {a.ns * n}; }
  friend constexpr Duration operator/(Duration a, std::int64_t n) { return {a.ns / n}; }
};

// A point on one node's monotonic clock, in nanoseconds from an arbitrary start.
struct Instant {
  std::int64_t ns = 0;

  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
};

// Nanoseconds since 1970-01-01T00:00:00Z.
struct WallTime {
  std::int64_t ns = 0;

  friend constexpr auto operator<=>(WallTime, WallTime) = default;
  friend constexpr WallTime operator+(WallTime t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Duration operator-(WallTime a, WallTime b) { return {a.ns - b.ns}; }
};

// RFC 3339 in UTC with as many fraction digits as are needed (Go's RFC3339Nano): "2026-01-02T03:04:05.6Z".
// The zero WallTime is Go's zero time, "0001-01-01T00:00:00Z", as Docker's clients expect.
std::string to_rfc3339(WallTime time);
// Always nine fraction digits, as Docker's log timestamps have.
std::string to_rfc3339_fixed(WallTime time);
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Go's notation: "1h2m3.5s", "500ms", "10s". Empty for anything else.
std::optional<Duration> parse_duration(std::string_view text);
std::string to_string(Duration duration);

}  // namespace swarm
