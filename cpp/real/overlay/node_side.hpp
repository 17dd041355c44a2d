// NodeSide: what the node's own network namespace has of overlay networks: a table that lets in frames of
// peers only, and the way out of tasks: a bridge, a cable to each task that has one, and addresses of the
// bridge's subnet that the world sees as the node's (docker_gwbridge of Docker).
//
// Ports of the bridge are isolated from one another: two networks do not meet there. A task reaches the world
// by it, and not the node itself. The bridge is made with the first task that needs it. NOT here: networks
// (switchboard), other interfaces of tasks (task_places).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {

inline constexpr const char* kGatewayBridge = "swarmpy_gw";

class NodeSide {
 public:
  using FindSpace = std::function<const netlink::NetSpace*(TaskId)>;

  static Result<NodeSide> open(const netlink::NetSpace& node);  // what an earlier owner left is removed

  // From these alone frames are let in.
  void set_peers(const std::set<Address>& peers, Problems& problems);
  void edit(const std::vector<overlay::Edit<TaskId, overlay::TaskSpace>>& edits, const FindSpace& find,
            Problems& problems);
  // Looks, and makes what is not there as it was made.
  void look(const std::map<TaskId, overlay::TaskSpace>& spaces, const FindSpace& find, Problems& problems);
  void remove_all();

 private:
  struct Port {
    std::string outside;
    std::uint32_t number = 0;  // of its address in the subnet
  };
  NodeSide(netlink::Socket links, netlink::Socket tables, netlink::NetSpace space)
      : links_(std::move(links)), tables_(std::move(tables)), space_(std::move(space)) {}

  Result<void> make_bridge();
  Result<AddressBlock> free_subnet();
  Result<void> forward_packets() const;
  void keep_out_ipv6() const;
  Result<void> set_table();
  Result<void> join(TaskId task, const overlay::TaskSpace& wanted, const netlink::NetSpace& space);
  Result<void> plug_in(const Port& port, int index);
  void leave(TaskId task, Problems& problems);
  bool is_whole(TaskId task, const overlay::TaskSpace& wanted, const netlink::NetSpace& space);
  Address address(std::uint32_t number) const;
  std::uint32_t free_number();

  netlink::Socket links_, tables_;
  netlink::NetSpace space_;
  std::set<Address> peers_;
  std::optional<AddressBlock> subnet_;  // once there is a bridge
  int bridge_ = 0;
  int next_index_ = 0;
  std::uint32_t generation_ = 0;
  std::map<TaskId, Port> ports_;
  std::set<std::uint32_t> taken_;  // their numbers
  std::uint32_t last_number_ = 0;
};

}  // namespace swarm::real
