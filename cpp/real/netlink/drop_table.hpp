// The table of a node's namespace that keeps it from hearing other nodes, by nf_tables:
//
//   table ip swarmpy_faults {
//     set unheard { type ipv4_addr; elements = { 10.214.1.2, 10.214.1.3 } }
//     chain arrivals { type filter hook prerouting priority -300; ip saddr @unheard drop }
//   }
//
// A packet is dropped where it arrives, whatever it is for, and its sender hears nothing: as behind a broken
// cable. What a node says itself is not touched, so one table is one direction.
#pragma once

#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {

// From now on exactly these are not heard: one transaction. None: the table goes.
Result<void> drop_from(Socket& socket, const std::vector<Address>& sources);

}  // namespace swarm::real::netlink
