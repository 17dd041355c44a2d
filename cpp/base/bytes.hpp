// Bytes as text and as keys: hex, base64, big-endian integers, CRC-32C. Nothing here allocates more than its
// result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swarm {

std::string to_hex(std::string_view bytes);
std::string to_base64(std::string_view bytes);                  // standard alphabet, padded
std::optional<std::string> from_base64(std::string_view text);  // standard or URL alphabet, padding optional

// Big-endian: the order of keys is the order of numbers.
void put_u32(std::string& out, std::uint32_t value);
void put_u64(std::string& out, std::uint64_t value);
std::uint32_t get_u32(std::string_view bytes, std::size_t at = 0);
std::uint64_t get_u64(std::string_view bytes, std::size_t at = 0);

// CRC-32C (Castagnoli), of RFC 3720 appendix B.4.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// FNV-1a, 64 bits: the trace hash. Fold by passing the last value as `hash`.
inline constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325ULL;
std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = kFnvStart);

}  // namespace swarm
