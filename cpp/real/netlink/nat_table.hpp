// The table of VIPs in a task's network namespace, by nf_tables (linux/netfilter/nf_tables.h), without
// libnftables:
//
//   table ip swarmpy {
//     map vips { type ipv4_addr : verdict; elements = { 10.0.1.8 : goto v10.0.1.8 } }
//     chain output { type nat hook output priority -100; ct state ip daddr vmap @vips }
//     chain v10.0.1.8 { dnat to numgen random mod 2 map { 0 : 10.0.1.102, 1 : 10.0.1.103 } }
//     chain v10.0.1.9 { meta l4proto tcp reject with tcp reset; reject with icmp type host-unreachable }  #
//     no backend
//   }
//
// One change is one transaction: a packet sees the VIP's old list or its new one. Connections that were made
// keep their backend, since conntrack remembers it. libnftables would do the same from text: it has no static
// library, brings gmp and jansson into the daemon, and reads the whole ruleset before each change.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {

using Backends = std::vector<Address>;
struct VipEdit {
  Address vip;
  const Backends* backends = nullptr;  // nullptr: the VIP goes
  bool known = false;                  // the table has it already
};

// Makes the table as it is to be, whatever was there under its name.
Result<void> make_vip_table(Socket& socket, const std::vector<VipEdit>& vips);
Result<void> edit_vip_table(Socket& socket, const std::vector<VipEdit>& edits);

// How many transactions the namespace has seen: the same number as before means that the table was not
// touched.
Result<std::uint32_t> generation(Socket& socket);

}  // namespace swarm::real::netlink
