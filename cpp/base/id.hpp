// Id<Tag>: the name of an object, 128 random bits written as 25 characters of base 36 (0-9a-z).
//
// Tagged, so that a node's id and a task's id cannot be mixed up. 16 bytes, trivially copyable: a million
// tasks carry several. The numeric order equals the order of the written form, so a prefix of the text is a
// range of ids. SwarmKit draws about 129 bits for the same 25 characters; ours start with 0-9 or a-f, which
// no client minds.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/rng.hpp"

namespace swarm {

using Uint128 = unsigned __int128;

std::string to_base36(Uint128 value, std::size_t width);
// Empty when a character is not in [0-9a-z] or the value does not fit.
std::optional<Uint128> from_base36(std::string_view text);

inline constexpr std::size_t kIdLength = 25;

template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Uint128 value)
      : high_(static_cast<std::uint64_t>(value >> 64)), low_(static_cast<std::uint64_t>(value)) {}

  static Id random(Rng& rng) {
    const std::uint64_t high = rng.next();
    const std::uint64_t low = rng.next();
    return Id((static_cast<Uint128>(high) << 64) | low);
  }
  // Exactly 25 characters of base 36; "" gives the empty id.
  static std::optional<Id> parse(std::string_view text) {
    if (text.empty()) return Id();
    if (text.size() != kIdLength) return std::nullopt;
    const auto value = from_base36(text);
    if (!value) return std::nullopt;
    return Id(*value);
  }
  // The first and last id whose text begins with `prefix`; nothing when no id can.
  static std::optional<std::pair<Id, Id>> prefix_range(std::string_view prefix) {
    if (prefix.size() > kIdLength) return std::nullopt;
    const auto low = from_base36(std::string(prefix) + std::string(kIdLength - prefix.size(), '0'));
    if (!low) return std::nullopt;
    const auto high = from_base36(std::string(prefix) + std::string(kIdLength - prefix.size(), 'z'));
    return std::pair(Id(*low), Id(high.value_or(~static_cast<Uint128>(0))));
  }

  constexpr bool empty() const { return high_ == 0 && low_ == 0; }
  constexpr Uint128 value() const { return (static_cast<Uint128>(high_) << 64) | low_; }
  // "" for the empty id, as in Docker's JSON.
  std::string str() const { return empty() ? std::string() : to_base36(value(), kIdLength); }

  friend constexpr auto operator<=>(const Id&, const Id&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.str(); }

 private:
  std::uint64_t high_ = 0;
  std::uint64_t low_ = 0;
};

using NodeId = Id<struct NodeTag>;
using ServiceId = Id<struct ServiceTag>;
using TaskId = Id<struct TaskTag>;
using NetworkId = Id<struct NetworkTag>;
using ClusterId = Id<struct ClusterTag>;

}  // namespace swarm
