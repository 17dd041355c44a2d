// ContentHash: 128 bits of some words and bytes, the same on every machine and with every compiler.
//
// For telling contents apart that differ by accident: a flipped bit, a lost write, a step that two builds
// take differently. NOT against a person who looks for two contents with one hash: the keys are in this file.
// Two lanes of multiply and fold, after wyhash (Wang Yi); some nanoseconds, and 16 bytes at a step.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/id.hpp"

namespace swarm {

class ContentHash {
 public:
  ContentHash& add(std::uint64_t first, std::uint64_t second) {
    low_ = mix(first ^ kKeys[0], second ^ low_);
    high_ = mix(second ^ kKeys[1], first ^ high_);
    return *this;
  }
  ContentHash& add(Uint128 word) {
    return add(static_cast<std::uint64_t>(word >> 64), static_cast<std::uint64_t>(word));
  }
  // Their number is part of what is added.
  ContentHash& add(std::string_view bytes) {
    const std::uint64_t size = bytes.size();
    for (; bytes.size() >= 16; bytes.remove_prefix(16)) add(word_at(bytes, 0), word_at(bytes, 8));
    char rest[16] = {};
    if (!bytes.empty()) std::memcpy(rest, bytes.data(), bytes.size());
    const std::string_view last(rest, sizeof rest);
    add(word_at(last, 0), word_at(last, 8));
    return add(size, kKeys[2]);
  }
  Uint128 value() const {
    const std::uint64_t high = mix(high_ ^ kKeys[2], low_ ^ kKeys[0]);
    return (static_cast<Uint128>(high) << 64) | mix(low_ ^ kKeys[3], high_ ^ kKeys[1]);
  }

 private:
  // Odd, and without a pattern: of wyhash.
  static constexpr std::uint64_t kKeys[] = {0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL,
                                            0x8ebc6af09c88c6e3ULL, 0x589965cc75374cc3ULL};

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const Uint128 product = static_cast<Uint128>(a) * b;
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
  }
  static std::uint64_t word_at(std::string_view bytes, std::size_t at) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
  }

  std::uint64_t low_ = kKeys[2], high_ = kKeys[3];
};

}  // namespace swarm
