// Mac: the address of an interface on an Ethernet segment. A task's follows from its IP address, as Docker's
// does (libnetwork, netutils.GenerateMACFromIP): no node has to be told it, and an address that goes to
// another task keeps its MAC.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "base/address.hpp"

namespace swarm::overlay {

struct Mac {
  std::array<std::uint8_t, 6> bytes{};
  std::string str() const;  // "02:42:0a:00:01:03"
  friend auto operator<=>(const Mac&, const Mac&) = default;
};

// 02:42 and the four bytes of an IPv4 address; of an IPv6 address its last four.
Mac mac_of(const Address& address);

}  // namespace swarm::overlay
