#include "net/overlay/mac.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/address.hpp"

namespace swarm::overlay {

std::string Mac::str() const {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    if (!out.empty()) out += ':';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

Mac mac_of(const Address& address) {
  Mac mac{{0x02, 0x42, 0, 0, 0, 0}};
  std::copy(address.ip.end() - 4, address.ip.end(), mac.bytes.begin() + 2);
  return mac;
}

}  // namespace swarm::overlay
