// Switchboard: the switch namespace of a node: bridges, VXLAN devices, and what these know of other nodes'
// tasks.
//
// All links here are of one group, the mark of their owner, and have names that say it too. Their indexes are
// chosen here, so that requests can follow one another without a question in between. Each call notes in
// `made` what is there now. NOT here: tasks' namespaces and VIPs (task_places), and in which order things are
// done (kernel_overlay).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real {

using Problems = std::vector<Error>;  // empty: all was done

inline constexpr std::uint32_t kOverlayGroup = 0x73776d;  // "swm"
inline constexpr std::uint32_t kDoomedGroup = 0x73776e;   // to be removed in the next moment
inline constexpr std::uint16_t kVxlanPort = 4789;         // RFC 7348

class Switchboard {
 public:
  // `node`: whose addresses carry the frames. What an earlier owner left in `space` is removed.
  static Result<Switchboard> open(const netlink::NetSpace& node, netlink::NetSpace space,
                                  overlay::DesiredNetwork& made);

  void make_segment(NetworkId id, const overlay::Segment& segment, Problems& problems);
  // With the outer ends of its cables and its stations; `made` forgets all of them.
  void remove_segment(NetworkId id, Problems& problems);
  void set_stations(const std::vector<overlay::Edit<overlay::StationKey, overlay::Station>>& edits,
                    Problems& problems);
  void remove_stations(const std::vector<overlay::Edit<overlay::StationKey, overlay::Station>>& edits,
                       Problems& problems);
  // Returns the index of its outer end. plug_in follows, once the inner end is up.
  Result<int> make_cable(const overlay::Cable& cable, int inside_index, int space);
  Result<void> plug_in(NetworkId network, const overlay::Cable& cable, int index);
  // All at once: the kernel waits some milliseconds for each removal, however many links it is of.
  void remove_links(const std::vector<std::string>& names, Problems& problems);
  Result<void> remove_all();

  const netlink::NetSpace& space() const { return space_; }
  // Why the network has no segment here, as far as it was tried; "" else.
  std::string trouble(NetworkId id) const;

  // Looks, and lets `made` forget what is not there as it was made. What has no place is removed.
  void look(Problems& problems);

 private:
  struct Links {
    int bridge = 0, tunnel = 0;
  };
  struct Seen;  // what the dumps said

  Switchboard(netlink::Socket in_node, netlink::Socket in_switch, netlink::NetSpace space,
              overlay::DesiredNetwork& made);
  Result<Seen> see();
  Result<void> try_segment(NetworkId id, const overlay::Segment& segment, Problems& problems);
  bool is_whole(NetworkId id, const Seen& seen) const;
  void look_at_stations(const Seen& seen, Problems& problems);
  void remove_strangers(const Seen& seen, Problems& problems);
  void remove_strange_entries(const Seen& seen, Problems& problems);
  void ask(std::vector<netlink::Request> requests, Problems& problems);

  netlink::Socket in_node_, in_switch_;
  netlink::NetSpace space_;
  overlay::DesiredNetwork* made_;
  std::map<NetworkId, Links> links_;
  std::map<NetworkId, std::string> troubles_;
  int next_index_ = 1'000;
};

}  // namespace swarm::real
