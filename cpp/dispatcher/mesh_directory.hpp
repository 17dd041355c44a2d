// MeshDirectory: which published port leads to which tasks, derived from the store: the rows of the routing
// mesh's table, and which of them have changed. Every node has the whole table; each row is an item of its
// feed. So is each node that was removed from the swarm: no node lets it into the mesh.
//
// A task is a backend while it runs and is meant to run, and its service publishes a TCP port through the
// mesh. NOT here: what was sent to which node (feed), which task gets a connection (net/mesh).
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

class MeshDirectory {
 public:
  void start(const store::Store& store);
  void note(const store::Store& store, const store::Change<model::Service>& change);
  void note(const store::Store& store, const store::Change<model::Task>& change);
  void note(const store::Store& store, const store::Change<model::Node>& change);
  void note(const store::Change<model::Cluster>& change);

  const std::map<ServiceId, std::vector<model::MeshPort>>& services() const { return services_; }
  const std::map<TaskId, model::MeshBackend>& backends() const { return backends_; }
  const std::set<NodeId>& removed_nodes() const { return removed_nodes_; }
  // The rows that are new, changed or gone since the last call.
  std::set<wire::FeedKey> take_changed() { return std::exchange(changed_, {}); }

 private:
  void set_service(const store::Store& store, const model::Service* service, ServiceId id);
  void set_task(const store::Store& store, const model::Task* task, TaskId id);

  std::map<ServiceId, std::vector<model::MeshPort>> services_;
  std::map<TaskId, model::MeshBackend> backends_;
  std::set<NodeId> removed_nodes_;
  std::set<wire::FeedKey> changed_;
};

}  // namespace swarm::dispatcher
