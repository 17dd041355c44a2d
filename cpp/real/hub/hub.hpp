// Hub: the network namespaces of one local cluster's nodes, and what joins them: a bridge in a namespace of
// the hub's own, and a veth from it to each node, which has the address 10.214.K.N there. K is the cluster's
// number. As root the host has a veth to the bridge, too, and the address 10.214.K.254.
//
// No namespace has a name in the file system. All of them are this process's descriptors (and its daemons'):
// they end with it, whatever ends it. The host's link is removed by the destructor; that of a killed hub goes
// when the kernel has ended the hub's namespace.
//
// NOT here: requests (hub_door), which K is free and which daemons run in it (Python's _cluster), whether two
// nodes are to hear each other (Python's _faults).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

struct HubOptions {
  std::uint8_t network = 0;  // K
  bool host_link = true;     // the host reaches the nodes; it takes rights in the host's namespace
};

class Hub {
 public:
  using Names = std::set<std::string>;

  static Result<std::unique_ptr<Hub>> make(const HubOptions& options);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Harmless when that node has that address already.
  Result<void> add(const std::string& name, const Address& address);
  Result<void> set_link(const std::string& name, bool up);
  // From now on `name` hears all nodes but these.
  Result<void> deafen(const std::string& name, const Names& to);
  // A listening socket at the node's address.
  Result<Fd> listen(const std::string& name, std::uint16_t port) const;
  // Where the host listens for a port that a node publishes, if it does not reach the node: 127.0.K.N.
  Address host_side_of(const Address& node, std::uint16_t port) const;
  // Nothing if there is no such node.
  const netlink::NetSpace* space_of(const std::string& name) const;

 private:
  struct Node {
    Address address;
    netlink::NetSpace space;
    std::string port;  // the hub's end of its veth
    int port_index = 0;
    Names deaf_to;
  };

  Hub(const HubOptions& options, netlink::NetSpace space, netlink::Socket socket)
      : options_(options), space_(std::move(space)), links_(std::move(socket)) {}
  Result<void> make_bridge();
  Result<void> link_host();
  Result<void> wire(Node& node);
  Result<void> plug_in(const std::string& port, int index);
  Result<const Node*> find(const std::string& name) const;
  Address host_address() const;
  std::string host_name() const;

  HubOptions options_;
  netlink::NetSpace space_;
  netlink::Socket links_;
  std::optional<netlink::Socket> host_;  // once the host has its link
  std::map<std::string, Node> nodes_;
};

}  // namespace swarm::real
