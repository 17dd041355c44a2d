// Address: an IP (128 bits wide, IPv4 mapped) and a port. A value; nothing is resolved here.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swarm {

struct Address {
  std::array<std::uint8_t, 16> ip{};
  std::uint16_t port = 0;

  static Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port = 0);
  // "127.0.1.1:2377", "127.0.1.1", "[::1]:2377", "::1". `default_port` where the text has none.
  static std::optional<Address> parse(std::string_view text, std::uint16_t default_port = 0);

  bool is_v4() const;
  bool is_unspecified() const;  // 0.0.0.0 or ::
  bool is_loopback() const;     // 127.0.0.0/8 or ::1
  std::string host() const;     // "127.0.1.1", "::1"
  std::string str() const;      // "127.0.1.1:2377", "[::1]:2377"

  friend auto operator<=>(const Address&, const Address&) = default;
};

// A block of addresses, "10.0.0.0/8" (RFC 4632). Bits beyond the prefix are cut off: "10.1.2.3/8" is that
// block, too.
struct AddressBlock {
  Address first;
  std::uint8_t bits = 0;  // of the prefix, as written: 32 at most for IPv4

  static std::optional<AddressBlock> parse(std::string_view text);

  bool contains(const Address& address) const;
  bool overlaps(const AddressBlock& other) const;
  friend auto operator<=>(const AddressBlock&, const AddressBlock&) = default;

 private:
  std::size_t fixed_bits() const { return bits + (first.is_v4() ? 96U : 0U); }
};

}  // namespace swarm
