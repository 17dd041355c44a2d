// OverlayDirectory: which nodes hear of which overlay networks, and the rows that they hear, derived from the
// store. A node hears of a network while it has a task on it that is not over: of the network, of its
// services, of all its placed tasks.
//
// Rows are made when they are sent, and only numbers are kept here: how many tasks each node has on each
// network. A change costs the nodes that hear of it; the first task of a node on a network costs the
// network's size, once. Ingress has no rows: published ports are the mesh's business (mesh_directory). NOT
// here: what was sent to which node (feed).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

class OverlayDirectory {
 public:
  using News = std::set<std::pair<NodeId, wire::FeedKey>>;

  void start(const store::Store& store);
  void note(const store::Store& store, const store::Change<model::Network>& change);
  void note(const store::Store& store, const store::Change<model::Service>& change);
  void note(const store::Store& store, const store::Change<model::Task>& change);
  void note(const store::Store& store, const store::Change<model::Node>& change);
  // What each node has to hear since the last call.
  News take_news() { return std::exchange(news_, {}); }

  // ---- rows, as the node is to hear them; nothing if they do not concern it
  std::optional<wire::OverlayNetwork> network(const store::Store& store, NodeId node, NetworkId id) const;
  std::optional<wire::OverlayService> service(const store::Store& store, NodeId node, ServiceId id) const;
  std::optional<wire::OverlayTask> task(const store::Store& store, NodeId node, TaskId id) const;
  // The node's first key of the kind after `after`; without it, its first of all.
  std::optional<wire::FeedKey> next(const store::Store& store, NodeId node, wire::FeedKind kind,
                                    std::optional<Uint128> after) const;

  // Those that hear of the task: they have tasks on its networks.
  std::set<NodeId> hearers(const model::Task& task) const;

 private:
  using Counts = std::map<NetworkId, std::size_t>;

  const Counts& networks_of(NodeId node) const;
  bool hears(NodeId node, NetworkId network) const { return networks_of(node).contains(network); }
  void count(const store::Store& store, const model::Task& task, bool comes);
  void note_network(const store::Store& store, NodeId node, NetworkId network);
  void note_service(const model::Service& service);
  void set_places(const model::Service& service, bool comes);
  void tell(NetworkId network, const wire::FeedKey& key);

  std::map<NodeId, Counts> networks_of_;  // the node's tasks on each network
  std::map<NetworkId, std::set<NodeId>> hearers_;
  std::map<NetworkId, std::set<ServiceId>> services_;
  News news_;
};

}  // namespace swarm::dispatcher
