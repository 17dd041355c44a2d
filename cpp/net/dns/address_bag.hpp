// AddressBag: the addresses behind one name. An address that two owners give is in it once, and stays until
// both have taken it back: during a rolling update two services may hold one address for a moment, and
// Docker answers it once (libnetwork/network.go, ResolveName).
//
// To add or remove costs a search among the name's addresses, however many there are: the last address of
// the list takes the place of a removed one. So the order of a list means nothing; the server shuffles.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

namespace swarm::dns {

using Ip = std::array<std::uint8_t, 16>;  // as in base/address.hpp: IPv4 is mapped

bool is_v4(const Ip& ip);

class AddressBag {
 public:
  void add(const Ip& ip);
  void remove(const Ip& ip);  // one that was added

  bool empty() const { return places_.empty(); }
  const std::vector<Ip>& v4() const { return v4_; }
  const std::vector<Ip>& v6() const { return v6_; }

 private:
  struct Place {
    std::uint32_t owners = 0;
    std::size_t at = 0;  // in its list
  };
  std::vector<Ip>& list_of(const Ip& ip) { return is_v4(ip) ? v4_ : v6_; }

  std::map<Ip, Place> places_;
  std::vector<Ip> v4_, v6_;
};

}  // namespace swarm::dns
