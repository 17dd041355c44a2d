// TableKeeper: this node's copy of the mesh's table. The leader's updates go in, an acknowledgement and an
// immutable ForwardingTable come out. Repeated, late and missing updates do no harm: numbers tell.
//
// It outlives sessions: with no manager in sight the last table stays, and traffic goes on.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "model/wire.hpp"

namespace swarm::mesh {

class TableKeeper {
 public:
  // What to answer; the problems are for the caller to fill in.
  wire::MeshAck on(const wire::MeshUpdate& update);
  // Of the present session; 0: none was heard.
  std::uint64_t applied() const { return applied_; }
  // Another table after each update that changed something.
  const std::shared_ptr<const model::ForwardingTable>& table() const { return table_; }

 private:
  using Backends = std::shared_ptr<const std::vector<model::MeshBackend>>;
  void publish(const std::set<ServiceId>& touched);

  std::uint64_t session_ = 0, applied_ = 0;
  std::map<ServiceId, std::vector<model::MeshPort>> services_;
  std::map<TaskId, ServiceId> service_of_;
  std::map<ServiceId, std::map<TaskId, model::MeshBackend>> backends_;
  std::map<ServiceId, Backends> published_;
  std::shared_ptr<const model::ForwardingTable> table_ = std::make_shared<model::ForwardingTable>();
};

}  // namespace swarm::mesh
