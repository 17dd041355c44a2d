#include "by_hand.hpp"

#include <linux/netlink.h>

#include <cstdint>
#include <utility>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "net/overlay/mac.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/lab.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::bench {
namespace {

using namespace real::netlink;

constexpr std::uint32_t kVni = 9, kMtu = 1450;
constexpr int kBridge = 60, kTunnel = 61, kPort = 62, kInside = 10;

Address address_of(std::uint64_t node) { return Address::v4(10, 9, 9, static_cast<std::uint8_t>(node)); }
void must(const Result<void>& done) { SWARM_CHECK(done.ok(), done.ok() ? "" : done.error().message); }

void make_one(Socket& node, const NetSpace& end, std::uint64_t self) {
  const std::uint64_t other = 3 - self;
  const Mac there = overlay::mac_of(address_of(other)).bytes;
  must(node.ask(make_bridge({"hand-bridge", kBridge, kMtu, 0})));
  must(node.ask(make_vxlan({"hand-vxlan", kTunnel, kBridge, kVni, real::kVxlanPort, kMtu, 0, -1})));
  must(node.ask(set_forwarding("hand-vxlan", kTunnel, there, real::lab_node(other))));
  must(node.ask(set_neighbour("hand-vxlan", kTunnel, address_of(other), there)));
  must(node.ask(make_veth(
      {"hand-veth", "eth0", kPort, kInside, overlay::mac_of(address_of(self)).bytes, kMtu, 0, end.fd()})));
  auto inside = end.open_socket(NETLINK_ROUTE);
  must(inside->ask(set_up("eth0", kInside)));
  must(inside->ask(add_address("eth0", kInside, address_of(self), 24)));
  must(node.ask(set_up("hand-veth", kPort)));
  must(node.ask(join_bridge("hand-veth", kPort, kBridge)));
}

}  // namespace

ByHand make_by_hand(real::Lab& lab) {
  ByHand out;
  for (std::uint64_t node = 1; node <= 2; ++node) {
    out.ends[node - 1] = std::move(*NetSpace::make());
    auto socket = lab.node(node).open_socket(NETLINK_ROUTE);
    make_one(*socket, out.ends[node - 1], node);
  }
  return out;
}

}  // namespace swarm::bench
