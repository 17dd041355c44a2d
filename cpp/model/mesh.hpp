// The routing mesh's values: the tasks that answer for a published port, as every node knows them, and what
// one node knows of its own tasks. Plain values; net/mesh decides which task gets a connection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/port.hpp"

namespace swarm::model {

inline constexpr std::uint16_t kManagementPort = 2377;  // of managers, unless configured otherwise
inline constexpr std::uint16_t kDataPort = 7946;        // node to node, TCP

struct MeshPort {
  PortKey published;
  std::uint32_t target = 0;
  friend auto operator<=>(const MeshPort&, const MeshPort&) = default;
};

// A running task that may get new connections, and the node that answers for it.
struct MeshBackend {
  TaskId task;
  ServiceId service;
  NodeId node;
  Address data;  // of the node: its address and kDataPort
  bool operator==(const MeshBackend&) const = default;
};

// One published port of one service. Services share the list of their backends between their ports.
struct Route {
  MeshPort port;
  ServiceId service;
  std::shared_ptr<const std::vector<MeshBackend>> backends;  // by task id; never null
};

// Never changed once it is published: any thread may read it.
struct ForwardingTable {
  std::vector<Route> routes;  // by published port
  // The nodes that were removed from the swarm: none of them is believed. Never null.
  std::shared_ptr<const std::set<NodeId>> removed_nodes = std::make_shared<std::set<NodeId>>();

  const Route* find(const PortKey& published) const {
    const auto it =
        std::lower_bound(routes.begin(), routes.end(), published,
                         [](const Route& r, const PortKey& port) { return r.port.published < port; });
    return it != routes.end() && it->port.published == published ? &*it : nullptr;
  }
};

// A task that runs on this node.
struct MeshTask {
  TaskId task;
  Address address;                     // the task's own, without a port
  std::vector<std::uint32_t> targets;  // the ports that others may reach through the mesh
  std::vector<MeshPort> host_ports;    // published in host mode: on this node only
};

}  // namespace swarm::model
