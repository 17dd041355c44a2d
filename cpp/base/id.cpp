#include "base/id.hpp"

#include <algorithm>

namespace swarm {

std::string to_base36(Uint128 value, std::size_t width) {
  std::string text;
  while (value != 0) {
    text += "0123456789abcdefghijklmnopqrstuvwxyz"[static_cast<unsigned>(value % 36)];
    value /= 36;
  }
  while (text.size() < width) text += '0';
  std::reverse(text.begin(), text.end());
  return text;
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
