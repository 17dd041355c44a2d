#include "real/overlay/switchboard.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/rows.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real {

using overlay::Edit;
using overlay::Segment;
using overlay::Station;
using overlay::StationKey;

Switchboard::Switchboard(netlink::Socket in_node, netlink::Socket in_switch, netlink::NetSpace space,
                         overlay::DesiredNetwork& made)
    : in_node_(std::move(in_node)),
      in_switch_(std::move(in_switch)),
      space_(std::move(space)),
      made_(&made) {}

Result<Switchboard> Switchboard::open(const netlink::NetSpace& node, netlink::NetSpace space,
                                      overlay::DesiredNetwork& made) {
  auto in_node = node.open_socket(NETLINK_ROUTE);
  if (!in_node) return in_node.error();
  auto in_switch = space.open_socket(NETLINK_ROUTE);
  if (!in_switch) return in_switch.error();
  Switchboard out(std::move(*in_node), std::move(*in_switch), std::move(space), made);
  if (auto removed = out.remove_all(); !removed) return removed.error();
  auto links = netlink::links(out.in_switch_);
  if (!links) return links.error();
  for (const netlink::Link& link : *links) out.next_index_ = std::max(out.next_index_, link.index + 1);
  return out;
}

void Switchboard::ask(std::vector<netlink::Request> requests, Problems& problems) {
  for (auto& outcome : in_switch_.ask(std::move(requests)))
    if (!outcome) problems.push_back(outcome.error());
}

Result<void> Switchboard::remove_all() {
  links_.clear();
  if (auto gone = in_switch_.ask(netlink::remove_group(kDoomedGroup)); !gone) return gone;
  return in_switch_.ask(netlink::remove_group(kOverlayGroup));
}

// ---- segments

void Switchboard::make_segment(NetworkId id, const Segment& segment, Problems& problems) {
  const auto made = try_segment(id, segment, problems);
  if (made) {
    troubles_.erase(id);
    made_->segments[id] = segment;
  } else {
    troubles_[id] = "network " + segment.network + ": " + made.error().message;
    problems.push_back(plain_error(made.error().code, troubles_[id]));
  }
}

Result<void> Switchboard::try_segment(NetworkId id, const Segment& segment, Problems& problems) {
  if (segment.encrypted)
    return plain_error(Code::unimplemented,
                       "it is encrypted: this build cannot encrypt, and does not carry it in the clear");
  Links links;
  links.bridge = next_index_++;
  links.tunnel = next_index_++;
  auto bridge =
      in_switch_.ask(netlink::make_bridge({segment.bridge, links.bridge, segment.mtu, kOverlayGroup}));
  if (!bridge) return bridge;
  auto tunnel = in_node_.ask(netlink::make_vxlan({segment.tunnel, links.tunnel, links.bridge, segment.vni,
                                                  kVxlanPort, segment.mtu, kOverlayGroup, space_.fd()}));
  if (!tunnel) {
    if (auto gone = in_switch_.ask(netlink::remove_link(segment.bridge, links.bridge)); !gone)
      problems.push_back(gone.error());
    return plain_error(tunnel.error().code, tunnel.error().message +
                                                " (frames of all networks use UDP port " +
                                                std::to_string(kVxlanPort) + " of this node)");
  }
  links_[id] = links;
  return {};
}

std::string Switchboard::trouble(NetworkId id) const {
  const auto it = troubles_.find(id);
  return it != troubles_.end() ? it->second : std::string();
}

void Switchboard::remove_segment(NetworkId id, Problems& problems) {
  troubles_.erase(id);
  const auto it = links_.find(id);
  if (it == links_.end()) return;
  std::vector<std::string> names{made_->segments[id].tunnel, made_->segments[id].bridge};
  auto cable = made_->cables.lower_bound({id, {}});
  while (cable != made_->cables.end() && cable->first.network == id) {
    names.push_back(cable->second.outside);
    cable = made_->cables.erase(cable);
  }
  remove_links(names, problems);
  made_->segments.erase(id);
  auto& stations = made_->stations;
  const auto first = stations.lower_bound({id, {}});
  auto last = first;
  while (last != stations.end() && last->first.network == id) ++last;
  stations.erase(first, last);
  links_.erase(it);
}

// ---- stations: two entries each

void Switchboard::set_stations(const std::vector<Edit<StationKey, Station>>& edits, Problems& problems) {
  std::vector<netlink::Request> requests;
  std::vector<std::pair<const StationKey*, const Station*>> asked;
  for (const auto& edit : edits) {
    const auto links = links_.find(edit.key.network);
    if (!edit.value || links == links_.end()) continue;
    const std::string& name = made_->segments[edit.key.network].tunnel;
    const int tunnel = links->second.tunnel;
    const Station& station = *edit.value;
    const netlink::Mac& mac = station.mac.bytes;
    requests.push_back(netlink::set_forwarding(name, tunnel, mac, station.node));
    requests.push_back(netlink::set_neighbour(name, tunnel, edit.key.address, mac));
    asked.emplace_back(&edit.key, &station);
  }
  const auto outcomes = in_switch_.ask(std::move(requests));
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto& forwarding = outcomes[2 * i];
    const auto& neighbour = outcomes[2 * i + 1];
    if (forwarding && neighbour) {
      made_->stations[*asked[i].first] = *asked[i].second;
    } else {
      made_->stations.erase(*asked[i].first);
      problems.push_back(forwarding ? neighbour.error() : forwarding.error());
    }
  }
}

void Switchboard::remove_stations(const std::vector<Edit<StationKey, Station>>& edits, Problems& problems) {
  std::vector<netlink::Request> requests;
  for (const auto& edit : edits) {
    const auto made = made_->stations.find(edit.key);
    if (edit.value || made == made_->stations.end()) continue;
    const std::string& name = made_->segments[edit.key.network].tunnel;
    const int tunnel = links_[edit.key.network].tunnel;
    const netlink::Mac& mac = made->second.mac.bytes;
    requests.push_back(netlink::remove_neighbour(name, tunnel, edit.key.address));
    requests.push_back(netlink::remove_forwarding(name, tunnel, mac));
    requests.push_back(netlink::forget_learned(name, tunnel, mac));
    made_->stations.erase(made);
  }
  ask(std::move(requests), problems);
}

// ---- the outer ends of cables

Result<int> Switchboard::make_cable(const overlay::Cable& cable, int inside_index, int space) {
  netlink::Veth veth;
  veth.outside = cable.outside;
  veth.inside = cable.inside;
  veth.outside_index = next_index_++;
  veth.inside_index = inside_index;
  veth.inside_mac = cable.mac.bytes;
  veth.mtu = cable.mtu;
  veth.group = kOverlayGroup;
  veth.space = space;
  if (auto made = in_switch_.ask(netlink::make_veth(veth)); !made) return made.error();
  return veth.outside_index;
}

Result<void> Switchboard::plug_in(NetworkId network, const overlay::Cable& cable, int index) {
  if (auto up = in_switch_.ask(netlink::set_up(cable.outside, index)); !up) return up;
  return in_switch_.ask(netlink::join_bridge(cable.outside, index, links_.at(network).bridge));
}

void Switchboard::remove_links(const std::vector<std::string>& names, Problems& problems) {
  if (names.empty()) return;
  std::vector<netlink::Request> requests;
  if (names.size() == 1) {
    requests.push_back(netlink::remove_link_named(names.front()));
  } else {
    for (const std::string& name : names) requests.push_back(netlink::set_group(name, kDoomedGroup));
    requests.push_back(netlink::remove_group(kDoomedGroup));
  }
  ask(std::move(requests), problems);
}

}  // namespace swarm::real
