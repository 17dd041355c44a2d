#include "real/overlay/node_side.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/names.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/nat_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/node_table.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

using overlay::TaskSpace;

// Docker's local pools (daemon/libnetwork/ipamutils): the first of 172.18.0.0/16 to 172.31.0.0/16 that is
// free.
constexpr int kFirstPool = 18, kLastPool = 31;
constexpr std::uint8_t kBits = 16;
constexpr std::uint32_t kMtu = 1'500;
constexpr int kFirstInside = 10;     // the index of eth0 in a task's namespace (task_places)
constexpr int kFirstIndex = 20'000;  // of links here, beside those that the machine numbers by itself

bool write_setting(const std::string& path) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), "1", 1) == 1;
}

Error of_task(TaskId task, const Error& error) {
  return plain_error(error.code, "task " + task.str() + " has no way out of its networks: " + error.message);
}

}  // namespace

Result<NodeSide> NodeSide::open(const netlink::NetSpace& node) {
  auto links = node.open_socket(NETLINK_ROUTE);
  if (!links) return links.error();
  auto tables = node.open_socket(NETLINK_NETFILTER);
  if (!tables) return tables.error();
  auto space = node.share();
  if (!space) return space.error();
  NodeSide out(std::move(*links), std::move(*tables), std::move(*space));
  if (auto gone = out.links_.ask(netlink::remove_group(kOverlayGroup)); !gone) return gone.error();
  out.next_index_ = kFirstIndex;
  const auto there = netlink::links(out.links_);
  if (!there) return there.error();
  for (const auto& link : *there) out.next_index_ = std::max(out.next_index_, link.index + 1);
  return out;
}

// ---- the table

void NodeSide::set_peers(const std::set<Address>& peers, Problems& problems) {
  if (peers == peers_ && generation_ != 0) return;
  peers_ = peers;
  if (auto set = set_table(); !set) problems.push_back(set.error());
}

Result<void> NodeSide::set_table() {
  netlink::NodeTable table;
  table.vxlan_port = kVxlanPort;
  table.peers.assign(peers_.begin(), peers_.end());
  if (subnet_) table.way_out = {kGatewayBridge, *subnet_};
  generation_ = 0;
  if (auto set = netlink::set_node_table(tables_, table); !set) return set;
  const auto now = netlink::generation(tables_);
  if (!now) return now.error();
  generation_ = *now;
  return {};
}

// ---- the bridge

Result<AddressBlock> NodeSide::free_subnet() {
  const auto taken = netlink::addresses(links_);
  if (!taken) return taken.error();
  for (int second = kFirstPool; second <= kLastPool; ++second) {
    const AddressBlock block{Address::v4(172, static_cast<std::uint8_t>(second), 0, 0), kBits};
    const bool is_free = std::ranges::none_of(*taken, [&](const netlink::LinkAddress& one) {
      return one.address.is_v4() &&
             (block.contains(one.address) || AddressBlock{one.address, one.bits}.contains(block.first));
    });
    if (is_free) return block;
  }
  return plain_error(Code::resource_exhausted,
                     "no subnet of 172.18.0.0/16 to 172.31.0.0/16 is free on this node");
}

// Of the node's namespace: the file shows that of the thread that opens it.
Result<void> NodeSide::forward_packets() const {
  return space_.run_in([]() -> Result<void> {
    if (write_setting("/proc/sys/net/ipv4/ip_forward")) return {};
    return plain_error(Code::unavailable,
                       std::string("packets cannot be forwarded on this node: ") + std::strerror(errno));
  });
}

// Nothing of IPv6 goes by the bridge: the node's table is of IPv4. Where there is no IPv6, there is no file.
void NodeSide::keep_out_ipv6() const {
  (void)space_.run_in([]() -> Result<void> {
    (void)write_setting(std::string("/proc/sys/net/ipv6/conf/") + kGatewayBridge + "/disable_ipv6");
    return {};
  });
}

Result<void> NodeSide::make_bridge() {
  if (subnet_) return {};
  const auto subnet = free_subnet();
  if (!subnet) return subnet.error();
  if (auto forwards = forward_packets(); !forwards) return forwards;
  const int index = next_index_++;
  if (auto made = links_.ask(netlink::make_bridge({kGatewayBridge, index, kMtu, kOverlayGroup})); !made)
    return made;
  bridge_ = index;
  subnet_ = *subnet;
  keep_out_ipv6();
  if (auto added = links_.ask(netlink::add_address(kGatewayBridge, index, address(1), kBits)); !added)
    return added;
  return set_table();
}

Address NodeSide::address(std::uint32_t number) const {
  SWARM_CHECK(subnet_, "there is no bridge: address", number);
  Address out = subnet_->first;
  out.ip[14] = static_cast<std::uint8_t>(number >> 8U);
  out.ip[15] = static_cast<std::uint8_t>(number & 0xffU);
  return out;
}

// In turn, so that one that was given back is not used again at once. 0: the subnet, 1: the bridge.
std::uint32_t NodeSide::free_number() {
  constexpr std::uint32_t kLast = (1U << (32U - kBits)) - 2;
  do {
    last_number_ = last_number_ < 2 || last_number_ == kLast ? 2 : last_number_ + 1;
  } while (taken_.contains(last_number_));
  taken_.insert(last_number_);
  return last_number_;
}

// ---- tasks

void NodeSide::edit(const std::vector<overlay::Edit<TaskId, TaskSpace>>& edits, const FindSpace& find,
                    Problems& problems) {
  for (const auto& [task, wanted] : edits) {
    leave(task, problems);
    const netlink::NetSpace* space = find(task);
    if (!wanted || !wanted->way_out || space == nullptr) continue;
    if (auto joined = join(task, *wanted, *space); !joined) {
      problems.push_back(of_task(task, joined.error()));
      leave(task, problems);
    }
  }
}

Result<void> NodeSide::join(TaskId task, const TaskSpace& wanted, const netlink::NetSpace& space) {
  if (auto made = make_bridge(); !made) return made;
  auto socket = space.open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  const Port port{overlay::cable_name(task, wanted.cables), free_number()};
  ports_[task] = port;
  netlink::Veth veth;
  veth.outside = port.outside;
  veth.inside = overlay::interface_name(wanted.cables);
  veth.outside_index = next_index_++;
  veth.inside_index = kFirstInside + wanted.cables;
  veth.inside_mac = overlay::mac_of(address(port.number)).bytes;
  veth.mtu = kMtu;
  veth.group = kOverlayGroup;
  veth.space = space.fd();
  if (auto made = links_.ask(netlink::make_veth(veth)); !made) return made;
  std::vector<netlink::Request> inside;
  inside.push_back(netlink::set_up(veth.inside, veth.inside_index));
  inside.push_back(netlink::add_address(veth.inside, veth.inside_index, address(port.number), kBits));
  inside.push_back(netlink::add_default_route(address(1)));
  for (auto& outcome : socket->ask(std::move(inside)))
    if (!outcome) return outcome;
  auto done = plug_in(port, veth.outside_index);
  socket->settle_link(veth.inside);
  return done;
}

Result<void> NodeSide::plug_in(const Port& port, int index) {
  std::vector<netlink::Request> requests;
  requests.push_back(netlink::set_up(port.outside, index));
  requests.push_back(netlink::join_bridge(port.outside, index, bridge_));
  requests.push_back(netlink::isolate(port.outside, index));
  for (auto& outcome : links_.ask(std::move(requests)))
    if (!outcome) return outcome;
  return {};
}

void NodeSide::leave(TaskId task, Problems& problems) {
  const auto port = ports_.extract(task);
  if (!port) return;
  taken_.erase(port.mapped().number);
  if (auto gone = links_.ask(netlink::remove_link_named(port.mapped().outside)); !gone)
    problems.push_back(gone.error());
}

// ---- looking

bool NodeSide::is_whole(TaskId task, const TaskSpace& wanted, const netlink::NetSpace& space) {
  const auto port = ports_.find(task);
  if (port == ports_.end()) return false;
  const int index = kFirstInside + wanted.cables;
  auto socket = space.open_socket(NETLINK_ROUTE);
  if (!socket) return false;
  const auto there = netlink::addresses(*socket);
  const auto routes = netlink::routes(*socket);
  if (!there || !routes) return false;
  const bool has_address = std::ranges::any_of(*there, [&](const netlink::LinkAddress& one) {
    return one.index == index && one.address == address(port->second.number);
  });
  // A link that is down has no routes.
  return has_address && std::ranges::any_of(*routes, [&](const netlink::Route& route) {
           return route.index == index && route.to.bits == 0;
         });
}

void NodeSide::look(const std::map<TaskId, TaskSpace>& spaces, const FindSpace& find, Problems& problems) {
  const auto now = netlink::generation(tables_);
  if (now && *now != generation_)
    if (auto set = set_table(); !set) problems.push_back(set.error());
  if (subnet_) {
    if (auto forwards = forward_packets(); !forwards) problems.push_back(forwards.error());
    const auto there = netlink::links(links_);
    if (!there) return problems.push_back(there.error());
    const bool has_bridge = std::ranges::any_of(*there, [&](const netlink::Link& link) {
      return link.index == bridge_ && link.name == kGatewayBridge && link.up;
    });
    if (!has_bridge) remove_all();
  }
  std::vector<overlay::Edit<TaskId, TaskSpace>> broken;
  for (const auto& [task, wanted] : spaces) {
    const netlink::NetSpace* space = find(task);
    if (wanted.way_out && space != nullptr && !is_whole(task, wanted, *space))
      broken.push_back({task, wanted});
  }
  edit(broken, find, problems);
}

void NodeSide::remove_all() {
  ports_.clear();
  taken_.clear();
  subnet_.reset();
  (void)links_.ask(netlink::remove_group(kOverlayGroup));
  (void)netlink::remove_node_table(tables_);
  generation_ = 0;
}

}  // namespace swarm::real
