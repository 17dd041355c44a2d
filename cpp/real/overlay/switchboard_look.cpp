// Looking at the switch namespace: what was made and is not there any more, and what is there and has no
// place.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {

using overlay::StationKey;

struct Switchboard::Seen {
  std::map<std::string, netlink::Link> links;
  std::map<std::pair<int, Address>, netlink::Mac> neighbours;
  std::map<std::pair<int, netlink::Mac>, Address> forwardings;
};

Result<Switchboard::Seen> Switchboard::see() {
  Seen seen;
  auto links = netlink::links(in_switch_);
  if (!links) return links.error();
  for (netlink::Link& link : *links) seen.links[link.name] = std::move(link);
  auto neighbours = netlink::neighbours(in_switch_);
  if (!neighbours) return neighbours.error();
  for (const netlink::Neighbour& entry : *neighbours)
    seen.neighbours[{entry.index, entry.address}] = entry.mac;
  auto forwardings = netlink::forwardings(in_switch_);
  if (!forwardings) return forwardings.error();
  for (const netlink::Forwarding& entry : *forwardings)
    seen.forwardings[{entry.index, entry.mac}] = entry.node;
  return seen;
}

void Switchboard::look(Problems& problems) {
  const auto seen = see();
  if (!seen) return problems.push_back(seen.error());
  std::vector<NetworkId> broken;
  for (const auto& [id, segment] : made_->segments)
    if (!is_whole(id, *seen)) broken.push_back(id);
  for (const NetworkId id : broken) remove_segment(id, problems);
  std::erase_if(made_->cables, [&](const auto& cable) {
    const auto link = seen->links.find(cable.second.outside);
    const auto links = links_.find(cable.first.network);
    return link == seen->links.end() || links == links_.end() || !link->second.up ||
           link->second.master != links->second.bridge;
  });
  look_at_stations(*seen, problems);
  remove_strangers(*seen, problems);
}

bool Switchboard::is_whole(NetworkId id, const Seen& seen) const {
  const overlay::Segment& segment = made_->segments.at(id);
  const Links& links = links_.at(id);
  const auto bridge = seen.links.find(segment.bridge);
  const auto tunnel = seen.links.find(segment.tunnel);
  if (bridge == seen.links.end() || tunnel == seen.links.end()) return false;
  return bridge->second.index == links.bridge && bridge->second.up && tunnel->second.index == links.tunnel &&
         tunnel->second.up && tunnel->second.master == links.bridge && tunnel->second.vni == segment.vni;
}

void Switchboard::look_at_stations(const Seen& seen, Problems& problems) {
  std::erase_if(made_->stations, [&](const auto& station) {
    const int tunnel = links_.at(station.first.network).tunnel;
    const auto neighbour = seen.neighbours.find({tunnel, station.first.address});
    const auto forwarding = seen.forwardings.find({tunnel, station.second.mac.bytes});
    return neighbour == seen.neighbours.end() || neighbour->second != station.second.mac.bytes ||
           forwarding == seen.forwardings.end() || forwarding->second != station.second.node;
  });
  remove_strange_entries(seen, problems);
}

// Of our devices only: an entry that leads where nothing of ours is would carry frames out of the table.
void Switchboard::remove_strange_entries(const Seen& seen, Problems& problems) {
  std::map<int, std::string> tunnels;
  std::set<std::pair<int, Address>> addresses;
  std::set<std::pair<int, netlink::Mac>> macs;
  for (const auto& [id, links] : links_) tunnels[links.tunnel] = made_->segments.at(id).tunnel;
  for (const auto& [key, station] : made_->stations) {
    const int tunnel = links_.at(key.network).tunnel;
    addresses.insert({tunnel, key.address});
    macs.insert({tunnel, station.mac.bytes});
  }
  std::vector<netlink::Request> requests;
  for (const auto& [key, mac] : seen.neighbours)
    if (tunnels.contains(key.first) && !addresses.contains(key) && (key.second.is_v4()))
      requests.push_back(netlink::remove_neighbour(tunnels[key.first], key.first, key.second));
  for (const auto& [key, node] : seen.forwardings)
    if (tunnels.contains(key.first) && !macs.contains(key))
      requests.push_back(netlink::remove_forwarding(tunnels[key.first], key.first, key.second));
  ask(std::move(requests), problems);
}

// Links with our mark that no segment and no cable has.
void Switchboard::remove_strangers(const Seen& seen, Problems& problems) {
  std::set<std::string> known;
  for (const auto& [id, segment] : made_->segments) known.insert({segment.bridge, segment.tunnel});
  for (const auto& [key, cable] : made_->cables) known.insert(cable.outside);
  std::vector<std::string> strange;
  for (const auto& [name, link] : seen.links)
    if ((link.group == kOverlayGroup || link.group == kDoomedGroup) && !known.contains(name))
      strange.push_back(name);
  remove_links(strange, problems);
}

}  // namespace swarm::real
