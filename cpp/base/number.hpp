// Whole numbers: arithmetic that ends at the ends of its type instead of beginning again at the other one,
// and the one way to read a number out of text.
//
// Whatever a user chose may be as large as its type. A sum that wraps turns "in a hundred years" into "at
// once"; a sum that saturates keeps its meaning.
#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace swarm {

template <std::integral T>
constexpr T saturating_add(T a, T b) {
  T sum{};
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < T{} ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

template <std::integral T>
constexpr T saturating_sub(T a, T b) {
  T difference{};
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < T{} ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
}

template <std::integral T>
constexpr T saturating_mul(T a, T b) {
  T product{};
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < T{}) != (b < T{}) ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
}

// `value` where T can hold it, else T's end on that side.
template <std::integral T>
constexpr T saturate(__int128 value) {
  if (value < static_cast<__int128>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  if (value > static_cast<__int128>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// The number that `text` is, written in the one usual way: digits, and a minus where T has a sign. Nothing
// for what T cannot hold, and for "", "+5", "007", "5 ", "5x".
template <std::integral T>
constexpr std::optional<T> parse_whole(std::string_view text) {
  const std::string_view digits = std::signed_integral<T> && text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  if (digits.front() == '0' && text.size() > 1) return std::nullopt;
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace swarm
