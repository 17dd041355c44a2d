// DesiredNetwork: what overlay networking there is to be on one node, as one value of five ordered maps. The
// real world makes the kernel equal to it (real/overlay); the simulator delivers as a kernel would that
// equals it.
//
// Each entry is one thing in the kernel with a key of its own, so that the edits of a Difference can be made
// in any order, and a kernel can be compared with the value entry by entry. Entries are in Linux's terms:
//
//   Segment    a bridge with a VXLAN device in it: one network's share of this node
//   Station    a task of another node: a neighbour entry (IP -> MAC) and an FDB entry (MAC -> node) of the
//   device TaskSpace  a network namespace, with its loopback up Cable      a veth pair: one end a port of the
//   bridge, the other one the task's eth0, with address and routes VipMap     in a task's namespace: new
//   connections to a VIP go to one of these addresses
//
// NOT here: whether the kernel grants it, sockets, the way out of the overlay (docker_gwbridge).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {

struct Segment {
  std::string network;  // its name, for sentences
  std::string bridge, tunnel;
  std::uint32_t vni = 0;
  std::uint32_t mtu = kDefaultMtu;
  bool encrypted = false;
  bool operator==(const Segment&) const = default;
};

struct StationKey {
  NetworkId network;
  Address address;
  friend auto operator<=>(const StationKey&, const StationKey&) = default;
};
struct Station {
  Mac mac;
  Address node;
  bool operator==(const Station&) const = default;
};

struct TaskSpace {
  bool way_out = false;     // one of its networks is not internal: it has a default route out of the overlay
  std::uint8_t cables = 0;  // its networks here: eth0 to ethN-1; the way out is ethN
  bool operator==(const TaskSpace&) const = default;
};

struct Cable {
  std::string inside;   // "eth0", in the task's namespace
  std::string outside;  // at the bridge
  Address address;
  std::uint8_t bits = 0;  // of its subnet's prefix: the subnet is on the link
  Mac mac;
  std::uint32_t mtu = kDefaultMtu;
  std::vector<AddressBlock> on_link;  // the network's other subnets
  bool operator==(const Cable&) const = default;
};

struct VipKey {
  TaskId task;
  Address vip;
  friend auto operator<=>(const VipKey&, const VipKey&) = default;
};
// All tasks of a node on one network share the list. Empty: a connection is refused at once.
struct VipMap {
  std::shared_ptr<const std::vector<Address>> backends;
  friend bool operator==(const VipMap& a, const VipMap& b) {
    return a.backends == b.backends || *a.backends == *b.backends;
  }
};

struct DesiredNetwork {
  std::map<NetworkId, Segment> segments;
  std::map<StationKey, Station> stations;
  std::map<TaskId, TaskSpace> spaces;
  std::map<AttachmentKey, Cable> cables;
  std::map<VipKey, VipMap> vips;
  bool operator==(const DesiredNetwork&) const = default;
};

// An entry that is to be as said, or, without a value, not to be.
template <class Key, class Value>
struct Edit {
  Key key;
  std::optional<Value> value;
  bool operator==(const Edit&) const = default;
};

// Each list is in the order of its keys, and names each key once.
struct Difference {
  std::vector<Edit<NetworkId, Segment>> segments;
  std::vector<Edit<StationKey, Station>> stations;
  std::vector<Edit<TaskId, TaskSpace>> spaces;
  std::vector<Edit<AttachmentKey, Cable>> cables;
  std::vector<Edit<VipKey, VipMap>> vips;
  std::size_t size() const {
    return segments.size() + stations.size() + spaces.size() + cables.size() + vips.size();
  }
  bool empty() const { return size() == 0; }
  bool operator==(const Difference&) const = default;
};

void apply(DesiredNetwork& to, const Difference& difference);
// The edits that make `from` to `to`.
Difference difference(const DesiredNetwork& from, const DesiredNetwork& to);

}  // namespace swarm::overlay
