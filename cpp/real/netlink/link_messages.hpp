// Requests of rtnetlink (linux/rtnetlink.h, linux/if_link.h): links, addresses, routes, neighbours, FDB
// entries; and what its dumps say. Links get their index from the caller, so that what follows need not ask
// for it.
//
// An MTU, a VNI and the like are the caller's. NOT here: sockets, and what links there are to be
// (real/overlay).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {

using Mac = std::array<std::uint8_t, 6>;

struct Bridge {
  std::string name;
  int index = 0;
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;  // links of one owner, removed at once
};
// Asked of a socket in the namespace whose addresses carry the frames; the device lies in `space` (a
// descriptor; -1: there, too).
struct Vxlan {
  std::string name;
  int index = 0;
  int master = 0;
  std::uint32_t vni = 0;
  std::uint16_t port = 4789;
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;
  int space = -1;
};
// One end here, the other one in `space`.
struct Veth {
  std::string outside, inside;
  int outside_index = 0, inside_index = 0;
  Mac inside_mac{};
  std::uint32_t mtu = 0;
  std::uint32_t group = 0;
  int space = -1;
};
Request make_bridge(const Bridge& bridge);
Request make_vxlan(const Vxlan& vxlan);
Request make_veth(
    const Veth& veth);  // bridges and VXLAN devices are up from the start, a veth's ends are not
Request join_bridge(const std::string& name, int index, int bridge);  // once both ends of a veth are up
Request isolate(const std::string& name, int index);  // a port of a bridge, from all others that are isolated
Request set_up(const std::string& name, int index);
Request set_down(const std::string& name, int index);
Request remove_link(const std::string& name, int index);  // no error when it is gone
Request remove_link_named(const std::string& name);       // the same, where the index is not known
Request set_group(const std::string& name, std::uint32_t group);
Request remove_group(std::uint32_t group);  // of all links of the namespace

Request add_address(const std::string& name, int index, const Address& address, std::uint8_t bits);
Request add_route(const std::string& name, int index, const AddressBlock& block);
Request add_default_route(const Address& gateway);  // IPv4
Request set_neighbour(const std::string& name, int index, const Address& address, const Mac& mac);
Request remove_neighbour(const std::string& name, int index, const Address& address);
Request set_forwarding(const std::string& name, int index, const Mac& mac, const Address& node);  // FDB
Request remove_forwarding(const std::string& name, int index, const Mac& mac);
// What the bridge has learned of a port: a MAC that moves to another port must not be sent to the old one.
Request forget_learned(const std::string& name, int index, const Mac& mac);

// ---- what is there

struct Link {
  int index = 0;
  int master = 0;
  std::string name, kind;
  std::uint32_t mtu = 0, vni = 0, group = 0;
  Mac mac{};
  bool up = false;
};
struct Neighbour {
  int index = 0;
  Address address;
  Mac mac{};
};
struct Forwarding {
  int index = 0;
  Mac mac{};
  Address node;
};
struct LinkAddress {
  int index = 0;
  Address address;
  std::uint8_t bits = 0;
};
Result<std::vector<Link>> links(Socket& socket);
Result<std::vector<Neighbour>> neighbours(Socket& socket);  // those that somebody set for good
Result<std::vector<Forwarding>> forwardings(Socket& socket);
Result<std::vector<LinkAddress>> addresses(Socket& socket);
// Of IPv4, in the main table.
struct Route {
  int index = 0;
  AddressBlock to;  // 0.0.0.0/0: the default
  bool operator==(const Route&) const = default;
};
Result<std::vector<Route>> routes(Socket& socket);

}  // namespace swarm::real::netlink
