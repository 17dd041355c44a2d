// TableKeeper: this node's copy of the mesh's table. The feed's changes go in (agent::ChangeTable), an
// immutable ForwardingTable comes out. A change costs work for the services that it names, and a copy of the
// list of routes.
//
// It outlives sessions: with no manager in sight the last table stays, and traffic goes on. While the
// complete feed comes, the old rows stay until it has ended.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "model/wire.hpp"

namespace swarm::mesh {

class TableKeeper {
 public:
  // Returns true if the table has changed.
  bool on(const wire::MeshChange& change);
  const std::shared_ptr<const model::ForwardingTable>& table() const { return table_; }

 private:
  struct Named {
    std::set<ServiceId> services;
    std::set<TaskId> backends;
    std::set<NodeId> removed_nodes;
  };
  void set(const wire::MeshService& row);
  void set(const model::MeshBackend& row);
  void set_removed(NodeId node);
  void drop(ServiceId service);
  void drop(TaskId backend);
  void drop_unnamed(const Named& named);
  void publish(const std::set<ServiceId>& touched);

  std::optional<Named> named_;  // while the complete feed comes: what it has named so far
  std::map<ServiceId, std::vector<model::MeshPort>> services_;
  std::map<TaskId, ServiceId> service_of_;
  std::map<ServiceId, std::map<TaskId, model::MeshBackend>> backends_;
  std::set<NodeId> removed_nodes_;
  // Since the last table.
  std::set<ServiceId> touched_;
  bool removed_nodes_changed_ = false;
  std::shared_ptr<const model::ForwardingTable> table_ = std::make_shared<model::ForwardingTable>();
};

}  // namespace swarm::mesh
