// The table of a node's own network namespace, by nf_tables: what keeps strangers out of the node's overlay
// networks, and its tasks out of the node:
//
//   table ip swarmpy {
//     set peers { type ipv4_addr; elements = { 10.214.1.2, 10.214.1.3 } }
//     chain input {
//       type filter hook input priority 0
//       udp dport 4789 ip saddr != @peers drop        # frames of nodes that have no task on a network of
//       ours iifname "swarmpy_gw" drop                     # what tasks say to the node itself
//     }
//     chain forward {
//       type filter hook forward priority 0
//       iifname "swarmpy_gw" oifname "swarmpy_gw" drop   # two networks do not meet here
//       iifname "swarmpy_gw" udp dport 4789 drop   # frames of tasks: they would have a peer's address
//     }
//     chain postrouting { type nat hook postrouting priority 100; ip saddr 172.18.0.0/16 oifname !=
//     "swarmpy_gw"
//                         masquerade }
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {

struct NodeTable {
  std::uint16_t vxlan_port = 4789;
  std::vector<Address> peers;
  // The bridge by which tasks reach the world, and its subnet; none: no task has a way out.
  struct WayOut {
    std::string bridge;
    AddressBlock subnet;
  };
  std::optional<WayOut> way_out;
};

// Makes the table so, whatever was there under its name: one transaction.
Result<void> set_node_table(Socket& socket, const NodeTable& table);
Result<void> remove_node_table(Socket& socket);

}  // namespace swarm::real::netlink
