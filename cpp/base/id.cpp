#include "base/id.hpp"
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swarm {

// Twelve digits at a time: 36^12 fits in 64 bits, and a division of 128 bits costs thirty of those.
std::string to_base36(Uint128 value, std::size_t width) {
  constexpr std::uint64_t kChunk = 4'738'381'338'321'616'896;
  char digits[36];  // three chunks: 2^128 has 25 digits
  std::size_t begin = sizeof digits;
  while (value != 0) {
    auto chunk = static_cast<std::uint64_t>(value % kChunk);
    value /= kChunk;
    for (int i = 0; i < 12; ++i, chunk /= 36)
      digits[--begin] = "0123456789abcdefghijklmnopqrstuvwxyz"[chunk % 36];
  }
  while (begin < sizeof digits && digits[begin] == '0') ++begin;
  const std::size_t count = sizeof digits - begin;
  std::string text(count < width ? width - count : 0, '0');
  return text.append(digits + begin, count);
}

std::optional<Uint128> from_base36(std::string_view text) {
  constexpr Uint128 kMax = ~static_cast<Uint128>(0);
  Uint128 value = 0;
  for (char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    if (value > (kMax - digit) / 36) return std::nullopt;
    value = value * 36 + digit;
  }
  return value;
}

}  // namespace swarm
