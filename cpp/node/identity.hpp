// Identity: who this node is, as its disk remembers it (family identity). Written before it is acted on.
// NOT its role in the Raft group: that is the manager families' business.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"

namespace swarm::node {

struct Identity {
  NodeId node;
  ClusterId cluster;
  model::NodeRole role = model::NodeRole::worker;
  std::uint64_t raft_id = 0;  // 0: not (yet) a member of the Raft group
  Address listen;             // where peers are listened for, when this node is a manager
  Address advertise;          // what others are told
  std::string root_cert_pem;
  std::vector<wire::ManagerPeer> managers;  // as last heard
  bool operator==(const Identity&) const = default;
};

// Nothing when this node is in no swarm; an Error that names the key when a value cannot be read.
Result<std::optional<Identity>> load_identity(ports::Disk& disk);
// A synced batch that makes the disk say exactly this.
ports::DiskBatch save_identity(const Identity& identity);

}  // namespace swarm::node
