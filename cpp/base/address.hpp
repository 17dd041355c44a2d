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

}  // namespace swarm
