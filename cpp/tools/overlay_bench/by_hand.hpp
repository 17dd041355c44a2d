// A network as a person makes it with `ip` and `bridge`: in each node's own namespace a bridge and a VXLAN
// device, and a namespace with a veth in it. Nothing of real/overlay is in it: it is what that is measured
// against.
#pragma once

#include "real/netlink/net_space.hpp"
#include "real/overlay/lab.hpp"

namespace swarm::bench {

struct ByHand {
  real::netlink::NetSpace ends[2];  // 10.9.9.1 and 10.9.9.2
};
ByHand make_by_hand(real::Lab& lab);

}  // namespace swarm::bench
