#include "real/netlink/link_messages.hpp"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/address.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {
namespace {

constexpr std::uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;
constexpr std::uint16_t kReplace = NLM_F_CREATE | NLM_F_REPLACE;

ifinfomsg up_link(int index) {
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = index;
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  return link;
}

std::string_view bytes_of(const Mac& mac) { return {reinterpret_cast<const char*>(mac.data()), mac.size()}; }

std::string_view bytes_of(const Address& address) {
  const std::string_view all(reinterpret_cast<const char*>(address.ip.data()), address.ip.size());
  return address.is_v4() ? all.substr(12) : all;
}

std::uint8_t family_of(const Address& address) { return address.is_v4() ? AF_INET : AF_INET6; }

std::string words(const Mac& mac) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : mac)
    out += std::string(out.empty() ? "" : ":") + kDigits[byte >> 4U] + kDigits[byte & 15U];
  return out;
}

Message neighbour_message(std::uint16_t type, std::uint16_t flags, int index, std::uint8_t family,
                          std::uint8_t neighbour_flags) {
  ndmsg neighbour{};
  neighbour.ndm_family = family;
  neighbour.ndm_ifindex = index;
  neighbour.ndm_state = NUD_PERMANENT | (family == AF_BRIDGE ? NUD_NOARP : 0);
  neighbour.ndm_flags = neighbour_flags;
  Message message(type, flags);
  message.fixed(neighbour);
  return message;
}

}  // namespace

// ---- links

Request make_bridge(const Bridge& bridge) {
  Message message(RTM_NEWLINK, kCreate);
  message.fixed(up_link(bridge.index)).text(IFLA_IFNAME, bridge.name);
  message.number(IFLA_MTU, bridge.mtu).number(IFLA_GROUP, bridge.group);
  message.open(IFLA_LINKINFO).text(IFLA_INFO_KIND, "bridge").open(IFLA_INFO_DATA);
  message.number(IFLA_BR_MCAST_SNOOPING, std::uint8_t{0}).close().close();
  return {"make the bridge " + bridge.name, std::move(message)};
}

// As Docker's: no learning, ARP answered from the neighbour entries.
Request make_vxlan(const Vxlan& vxlan) {
  Message message(RTM_NEWLINK, kCreate);
  message.fixed(up_link(vxlan.index)).text(IFLA_IFNAME, vxlan.name);
  message.number(IFLA_MTU, vxlan.mtu).number(IFLA_GROUP, vxlan.group);
  if (vxlan.master != 0) message.number(IFLA_MASTER, vxlan.master);
  if (vxlan.space >= 0) message.number(IFLA_NET_NS_FD, vxlan.space);
  message.open(IFLA_LINKINFO).text(IFLA_INFO_KIND, "vxlan").open(IFLA_INFO_DATA);
  message.number(IFLA_VXLAN_ID, vxlan.vni).big16(IFLA_VXLAN_PORT, vxlan.port);
  message.number(IFLA_VXLAN_LEARNING, std::uint8_t{0})
      .number(IFLA_VXLAN_PROXY, std::uint8_t{1})
      .close()
      .close();
  return {"make the VXLAN device " + vxlan.name + " (VNI " + std::to_string(vxlan.vni) + ")",
          std::move(message)};
}

// Both ends stay down, and out of the bridge. The kernel cannot open the far end before both are there
// (veth_open: ENOTCONN); and a port whose other end is down when it joins forwards nothing until the kernel's
// link watch has come by, which may take a second.
Request make_veth(const Veth& veth) {
  ifinfomsg outside{}, inside{};
  outside.ifi_index = veth.outside_index;
  inside.ifi_index = veth.inside_index;
  Message message(RTM_NEWLINK, kCreate);
  message.fixed(outside).text(IFLA_IFNAME, veth.outside);
  message.number(IFLA_MTU, veth.mtu).number(IFLA_GROUP, veth.group);
  // One queue each: what a task sends needs no more, and each costs time when the pair is made and when it
  // goes.
  message.number(IFLA_NUM_TX_QUEUES, std::uint32_t{1}).number(IFLA_NUM_RX_QUEUES, std::uint32_t{1});
  message.open(IFLA_LINKINFO).text(IFLA_INFO_KIND, "veth").open(IFLA_INFO_DATA).open(VETH_INFO_PEER);
  message.fixed(inside).text(IFLA_IFNAME, veth.inside).number(IFLA_MTU, veth.mtu);
  message.number(IFLA_NUM_TX_QUEUES, std::uint32_t{1}).number(IFLA_NUM_RX_QUEUES, std::uint32_t{1});
  message.bytes(IFLA_ADDRESS, bytes_of(veth.inside_mac)).number(IFLA_NET_NS_FD, veth.space);
  message.close().close().close();
  return {"make the veth pair " + veth.outside + " with " + veth.inside, std::move(message)};
}

Request join_bridge(const std::string& name, int index, int bridge) {
  ifinfomsg link{};
  link.ifi_index = index;
  Message message(RTM_NEWLINK, 0);
  message.fixed(link).number(IFLA_MASTER, bridge);
  return {"make " + name + " a port of its bridge", std::move(message)};
}

Request isolate(const std::string& name, int index) {
  ifinfomsg link{};
  link.ifi_family = AF_BRIDGE;
  link.ifi_index = index;
  Message message(RTM_SETLINK, 0);
  message.fixed(link)
      .open(IFLA_PROTINFO | NLA_F_NESTED)
      .number(IFLA_BRPORT_ISOLATED, std::uint8_t{1})
      .close();
  return {"isolate " + name + " from other ports of its bridge", std::move(message)};
}

Request set_up(const std::string& name, int index) {
  Message message(RTM_NEWLINK, 0);
  message.fixed(up_link(index));
  return {"set " + name + " up", std::move(message)};
}

Request set_down(const std::string& name, int index) {
  ifinfomsg link = up_link(index);
  link.ifi_flags = 0;
  Message message(RTM_NEWLINK, 0);
  message.fixed(link);
  return {"set " + name + " down", std::move(message)};
}

Request remove_link(const std::string& name, int index) {
  ifinfomsg link{};
  link.ifi_index = index;
  Message message(RTM_DELLINK, 0);
  message.fixed(link);
  return {"remove " + name, std::move(message), ENODEV};
}

Request remove_link_named(const std::string& name) {
  Message message(RTM_DELLINK, 0);
  message.fixed(ifinfomsg{}).text(IFLA_IFNAME, name);
  return {"remove " + name, std::move(message), ENODEV};
}

Request set_group(const std::string& name, std::uint32_t group) {
  Message message(RTM_NEWLINK, 0);
  message.fixed(ifinfomsg{}).text(IFLA_IFNAME, name).number(IFLA_GROUP, group);
  return {"put " + name + " into group " + std::to_string(group), std::move(message), ENODEV};
}

Request remove_group(std::uint32_t group) {
  Message message(RTM_DELLINK, 0);
  message.fixed(ifinfomsg{}).number(IFLA_GROUP, group);
  return {"remove all links of group " + std::to_string(group), std::move(message), ENODEV};
}

// ---- addresses and routes

Request add_address(const std::string& name, int index, const Address& address, std::uint8_t bits) {
  ifaddrmsg header{};
  header.ifa_family = family_of(address);
  header.ifa_prefixlen = bits;
  header.ifa_index = static_cast<std::uint32_t>(index);
  Message message(RTM_NEWADDR, kCreate);
  message.fixed(header).bytes(IFA_LOCAL, bytes_of(address)).bytes(IFA_ADDRESS, bytes_of(address));
  return {"give " + name + " the address " + address.host() + "/" + std::to_string(bits), std::move(message)};
}

Request add_route(const std::string& name, int index, const AddressBlock& block) {
  rtmsg route{};
  route.rtm_family = family_of(block.first);
  route.rtm_dst_len = block.bits;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_LINK;
  route.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, kReplace);
  message.fixed(route).bytes(RTA_DST, bytes_of(block.first)).number(RTA_OIF, index);
  return {"route " + block.first.host() + "/" + std::to_string(block.bits) + " to " + name,
          std::move(message)};
}

Request add_default_route(const Address& gateway) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, kReplace);
  message.fixed(route).bytes(RTA_GATEWAY, bytes_of(gateway));
  return {"route all that is not near by " + gateway.host(), std::move(message)};
}

// ---- neighbours and FDB entries

Request set_neighbour(const std::string& name, int index, const Address& address, const Mac& mac) {
  Message message = neighbour_message(RTM_NEWNEIGH, kReplace, index, family_of(address), 0);
  message.bytes(NDA_DST, bytes_of(address)).bytes(NDA_LLADDR, bytes_of(mac));
  return {"say at " + name + " that " + address.host() + " has the MAC " + words(mac), std::move(message)};
}

Request remove_neighbour(const std::string& name, int index, const Address& address) {
  Message message = neighbour_message(RTM_DELNEIGH, 0, index, family_of(address), 0);
  message.bytes(NDA_DST, bytes_of(address));
  return {"forget at " + name + " the address " + address.host(), std::move(message), ENOENT};
}

Request set_forwarding(const std::string& name, int index, const Mac& mac, const Address& node) {
  Message message = neighbour_message(RTM_NEWNEIGH, kReplace, index, AF_BRIDGE, NTF_SELF);
  message.bytes(NDA_LLADDR, bytes_of(mac)).bytes(NDA_DST, bytes_of(node));
  return {"say at " + name + " that " + words(mac) + " is at the node " + node.host(), std::move(message)};
}

Request remove_forwarding(const std::string& name, int index, const Mac& mac) {
  Message message = neighbour_message(RTM_DELNEIGH, 0, index, AF_BRIDGE, NTF_SELF);
  message.bytes(NDA_LLADDR, bytes_of(mac));
  return {"forget at " + name + " the MAC " + words(mac), std::move(message), ENOENT};
}

Request forget_learned(const std::string& name, int index, const Mac& mac) {
  Message message = neighbour_message(RTM_DELNEIGH, 0, index, AF_BRIDGE, NTF_MASTER);
  message.bytes(NDA_LLADDR, bytes_of(mac));
  return {"forget at the bridge of " + name + " the MAC " + words(mac), std::move(message), ENOENT};
}

}  // namespace swarm::real::netlink
