#include "real/hub/hub.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/drop_table.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr std::uint32_t kMtu = 1500;
constexpr std::uint8_t kBits = 24;
constexpr std::uint8_t kHostNumber = 254;  // no node has it
constexpr int kBridge = 10;                // indexes in the hub's namespace
constexpr int kFirstPort = 1000;           // and the node's number
constexpr int kUplink = 50;                // in a node's namespace
const std::string kBridgeName = "hub";
const std::string kUplinkName = "eth0";

std::uint8_t number_of(const Address& address) { return address.ip[15]; }

// Locally administered, and the address.
netlink::Mac mac_of(const Address& address) {
  netlink::Mac mac{2, 0xd6};
  std::copy(address.ip.begin() + 12, address.ip.end(), mac.begin() + 2);
  return mac;
}

Result<int> index_of(netlink::Socket& socket, const std::string& name) {
  const auto links = netlink::links(socket);
  if (!links) return links.error();
  for (const netlink::Link& link : *links)
    if (link.name == name) return link.index;
  return plain_error(Code::not_found, "the link " + name + " is gone");
}

// The first that fails ends it.
Result<void> ask_all(netlink::Socket& socket, std::vector<netlink::Request> requests) {
  for (const Result<void>& outcome : socket.ask(std::move(requests)))
    if (!outcome) return outcome;
  return {};
}

}  // namespace

// ---- making

Result<std::unique_ptr<Hub>> Hub::make(const HubOptions& options) {
  auto space = netlink::NetSpace::make();
  if (!space) return space.error();
  auto socket = space->open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  auto hub = std::unique_ptr<Hub>(new Hub(options, std::move(*space), std::move(*socket)));
  if (auto made = hub->make_bridge(); !made) return made.error();
  if (!options.host_link) return hub;
  if (auto linked = hub->link_host(); !linked) return linked.error();
  return hub;
}

Hub::~Hub() {
  if (host_) (void)host_->ask(netlink::remove_link_named(host_name()));
}

Result<void> Hub::make_bridge() { return links_.ask(netlink::make_bridge({kBridgeName, kBridge, kMtu, 0})); }

Address Hub::host_address() const { return Address::v4(10, 214, options_.network, kHostNumber); }
std::string Hub::host_name() const { return "swarmpy" + std::to_string(options_.network); }

// The number K is the cluster's alone, so a link of this name is what a killed hub has left.
Result<void> Hub::link_host() {
  auto home = netlink::NetSpace::current();
  if (!home) return home.error();
  auto socket = home->open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  (void)socket->ask(netlink::remove_link_named(host_name()));
  const int index = kFirstPort + kHostNumber;
  const netlink::Veth veth{"host", host_name(), index, 0, mac_of(host_address()), kMtu, 0, home->fd()};
  if (auto made = links_.ask(netlink::make_veth(veth)); !made) return made;
  host_ = std::move(*socket);
  const auto there = index_of(*host_, host_name());
  if (!there) return there.error();
  auto up = ask_all(*host_, {netlink::set_up(host_name(), *there),
                             netlink::add_address(host_name(), *there, host_address(), kBits)});
  if (!up) return up;
  auto plugged = plug_in("host", index);
  host_->settle_link(host_name());
  return plugged;
}

Result<void> Hub::plug_in(const std::string& port, int index) {
  auto up = ask_all(links_, {netlink::set_up(port, index), netlink::join_bridge(port, index, kBridge)});
  if (up) links_.settle_link(port);
  return up;
}

Result<void> Hub::add(const std::string& name, const Address& address) {
  if (const auto known = nodes_.find(name); known != nodes_.end()) {
    if (known->second.address == address) return {};
    return plain_error(Code::already_exists, name + " has the address " + known->second.address.host());
  }
  for (const auto& [other, node] : nodes_)
    if (node.address == address) return plain_error(Code::already_exists, other + " has " + address.host());
  auto space = netlink::NetSpace::make();
  if (!space) return space.error();
  Node node;
  node.address = address;
  node.space = std::move(*space);
  node.port = "port" + std::to_string(number_of(address));
  node.port_index = kFirstPort + number_of(address);
  if (auto wired = wire(node); !wired) return wired;
  nodes_.emplace(name, std::move(node));
  return {};
}

// The inner end first: the port joins the bridge once both ends are up (real/netlink/README.md).
Result<void> Hub::wire(Node& node) {
  auto socket = node.space.open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  const netlink::Veth veth{node.port, kUplinkName, node.port_index, kUplink, mac_of(node.address),
                           kMtu,      0,           node.space.fd()};
  if (auto made = links_.ask(netlink::make_veth(veth)); !made) return made;
  auto up = ask_all(*socket, {netlink::set_up(kUplinkName, kUplink),
                              netlink::add_address(kUplinkName, kUplink, node.address, kBits)});
  if (up) up = plug_in(node.port, node.port_index);
  if (!up) {
    (void)links_.ask(netlink::remove_link_named(node.port));
    return up;
  }
  socket->settle_link(kUplinkName);
  return host_ ? socket->ask(netlink::add_default_route(host_address())) : Result<void>();
}

// ---- faults

// The hub's end goes down: the node's link has no carrier, and keeps its addresses and routes.
Result<void> Hub::set_link(const std::string& name, bool up) {
  const auto node = find(name);
  if (!node) return node.error();
  const Node& found = **node;
  auto done = links_.ask(up ? netlink::set_up(found.port, found.port_index)
                            : netlink::set_down(found.port, found.port_index));
  if (!done) return done;
  links_.settle_link(found.port);
  auto inside = found.space.open_socket(NETLINK_ROUTE);
  if (inside) inside->settle_link(kUplinkName);
  return {};
}

Result<void> Hub::deafen(const std::string& name, const Names& to) {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) return find(name).error();
  if (node->second.deaf_to == to) return {};
  std::vector<Address> sources;
  for (const std::string& one : to) {
    const auto source = find(one);
    if (!source) return source.error();
    sources.push_back((*source)->address);
  }
  auto tables = node->second.space.open_socket(NETLINK_NETFILTER);
  if (!tables) return tables.error();
  auto dropped = netlink::drop_from(*tables, sources);
  if (dropped) node->second.deaf_to = to;
  return dropped;
}

// ---- looks

Result<Fd> Hub::listen(const std::string& name, std::uint16_t port) const {
  const auto node = find(name);
  if (!node) return node.error();
  Address address = (*node)->address;
  address.port = port;
  Fd fd;
  int error = 0;
  auto entered = (*node)->space.run_in([&]() -> Result<void> {
    fd = listen_on(address);
    error = errno;
    return {};
  });
  if (!entered) return entered.error();
  if (!fd.valid()) return plain_error(Code::unavailable, std::strerror(error));
  return fd;
}

Address Hub::host_side_of(const Address& node, std::uint16_t port) const {
  return Address::v4(127, 0, options_.network, number_of(node), port);
}

const netlink::NetSpace* Hub::space_of(const std::string& name) const {
  const auto node = nodes_.find(name);
  return node == nodes_.end() ? nullptr : &node->second.space;
}

Result<const Hub::Node*> Hub::find(const std::string& name) const {
  const auto node = nodes_.find(name);
  if (node == nodes_.end()) return plain_error(Code::not_found, "there is no node " + name);
  return &node->second;
}

}  // namespace swarm::real
