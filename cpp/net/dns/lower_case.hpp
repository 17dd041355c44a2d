// Names compare without case: letters of ASCII only (RFC 4343 section 3).
#pragma once

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>

namespace swarm::dns {

constexpr char lower_case(char one) {
  return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one;
}

inline std::string lower_case(std::string text) {
  for (char& one : text) one = lower_case(one);
  return text;
}

constexpr bool same_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower_case(x) == lower_case(y); });
}

}  // namespace swarm::dns
