// Flows of a network namespace, by conntrack (linux/netfilter/nfnetlink_conntrack.h): what was once sent to a
// VIP's backend goes there for as long as packets come, whatever the table says since.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {

// Forgets the UDP flows to the VIP that go to this backend: their next packets are sent on anew. Connections
// of TCP stay: their task may still finish them. A kernel before 6.8 forgets none (it has no filter for
// this), and its flows end when they are silent for nf_conntrack_udp_timeout_stream.
Result<void> forget_udp_flows(Socket& socket, const Address& vip, const Address& backend);

// A SYN without an answer is sent to another backend after this time, and not after two minutes: the
// backend may be on a node that has died.
void set_syn_patience(const NetSpace& space);

}  // namespace swarm::real::netlink
