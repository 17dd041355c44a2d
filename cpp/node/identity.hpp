// Identity: who this node is, as its disk remembers it (family identity). Written before it is acted on. NOT
// its role in the Raft group: the manager families hold that (replica_disk.hpp).
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
  Address listen;             // where this node listens for peers if it is a manager
  Address advertise;          // the address that others dial
  std::string root_cert_pem;
  std::vector<wire::ManagerPeer> managers;  // as a manager last sent them
  bool operator==(const Identity&) const = default;
};

// Nothing when this node is in no swarm; an Error that names the key when a value cannot be read.
Result<std::optional<Identity>> load_identity(ports::Disk& disk);
// Returns a synced batch that replaces the identity on the disk by this one.
ports::DiskBatch save_identity(const Identity& identity);

}  // namespace swarm::node
