// What is there: the dumps of rtnetlink, read.
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {
namespace {

Mac mac_in(std::string_view bytes) {
  Mac mac{};
  if (bytes.size() == mac.size()) std::copy(bytes.begin(), bytes.end(), mac.begin());
  return mac;
}

Address address_in(std::string_view bytes) {
  Address address;
  if (bytes.size() == 4)
    return Address::v4(static_cast<std::uint8_t>(bytes[0]), static_cast<std::uint8_t>(bytes[1]),
                       static_cast<std::uint8_t>(bytes[2]), static_cast<std::uint8_t>(bytes[3]));
  if (bytes.size() == address.ip.size()) std::copy(bytes.begin(), bytes.end(), address.ip.begin());
  return address;
}

// A dump of one kind of message whose fixed struct is `Struct`; `read` makes an entry of each, or leaves it
// out.
template <class Entry, class Struct, class Read>
Result<std::vector<Entry>> read_dump(Socket& socket, const char* what, std::uint16_t type,
                                     const Struct& question, Read read) {
  Message message(type, 0);
  message.fixed(question);
  auto replies = socket.dump(what, std::move(message));
  if (!replies) return replies.error();
  std::vector<Entry> entries;
  for (const Reply& reply : *replies) {
    const std::string_view body = reply.body;
    if (body.size() < sizeof(Struct)) continue;
    const std::size_t skip = NLMSG_ALIGN(sizeof(Struct));
    read(read_fixed<Struct>(body), Attributes(body.substr(std::min(skip, body.size()))), entries);
  }
  return entries;
}

ndmsg neighbours_of(std::uint8_t family) {
  ndmsg question{};
  question.ndm_family = family;
  return question;
}

}  // namespace

Result<std::vector<Link>> links(Socket& socket) {
  return read_dump<Link>(socket, "list the links", RTM_GETLINK, ifinfomsg{},
                         [](const ifinfomsg& header, const Attributes& attributes, std::vector<Link>& out) {
                           const Attributes info = attributes.nested(IFLA_LINKINFO);
                           Link link;
                           link.index = header.ifi_index;
                           link.master = static_cast<int>(attributes.number32(IFLA_MASTER));
                           link.name = attributes.text(IFLA_IFNAME);
                           link.kind = info.text(IFLA_INFO_KIND);
                           link.mtu = attributes.number32(IFLA_MTU);
                           link.group = attributes.number32(IFLA_GROUP);
                           if (link.kind == "vxlan")
                             link.vni = info.nested(IFLA_INFO_DATA).number32(IFLA_VXLAN_ID);
                           link.mac = mac_in(attributes.bytes(IFLA_ADDRESS));
                           link.up = (header.ifi_flags & IFF_UP) != 0;
                           out.push_back(std::move(link));
                         });
}

Result<std::vector<Neighbour>> neighbours(Socket& socket) {
  return read_dump<Neighbour>(
      socket, "list the neighbours", RTM_GETNEIGH, neighbours_of(AF_UNSPEC),
      [](const ndmsg& header, const Attributes& attributes, std::vector<Neighbour>& out) {
        if ((header.ndm_state & NUD_PERMANENT) == 0) return;
        out.push_back({header.ndm_ifindex, address_in(attributes.bytes(NDA_DST)),
                       mac_in(attributes.bytes(NDA_LLADDR))});
      });
}

Result<std::vector<Forwarding>> forwardings(Socket& socket) {
  return read_dump<Forwarding>(
      socket, "list the FDB entries", RTM_GETNEIGH, neighbours_of(AF_BRIDGE),
      [](const ndmsg& header, const Attributes& attributes, std::vector<Forwarding>& out) {
        if (!attributes.has(NDA_DST)) return;  // a bridge's own, not a VXLAN device's
        out.push_back({header.ndm_ifindex, mac_in(attributes.bytes(NDA_LLADDR)),
                       address_in(attributes.bytes(NDA_DST))});
      });
}

Result<std::vector<LinkAddress>> addresses(Socket& socket) {
  return read_dump<LinkAddress>(
      socket, "list the addresses", RTM_GETADDR, ifaddrmsg{},
      [](const ifaddrmsg& header, const Attributes& attributes, std::vector<LinkAddress>& out) {
        const bool local = attributes.has(IFA_LOCAL);  // IPv6 has IFA_ADDRESS only
        out.push_back({static_cast<int>(header.ifa_index),
                       address_in(attributes.bytes(local ? IFA_LOCAL : IFA_ADDRESS)), header.ifa_prefixlen});
      });
}

Result<std::vector<Route>> routes(Socket& socket) {
  rtmsg question{};
  question.rtm_family = AF_INET;
  return read_dump<Route>(
      socket, "list the routes", RTM_GETROUTE, question,
      [](const rtmsg& header, const Attributes& attributes, std::vector<Route>& out) {
        if (header.rtm_table != RT_TABLE_MAIN) return;
        const Address to =
            attributes.has(RTA_DST) ? address_in(attributes.bytes(RTA_DST)) : Address::v4(0, 0, 0, 0);
        out.push_back({static_cast<int>(attributes.number32(RTA_OIF)), {to, header.rtm_dst_len}});
      });
}

}  // namespace swarm::real::netlink
