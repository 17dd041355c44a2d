// Out of a lost majority: a new Raft group of one manager, made of what its disk has (docker swarm init
// --force-new-cluster; swarmkit manager/state/raft, Node.loadAndStart with ForceNewCluster).
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/feature_level.hpp"
#include "model/wire.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"

namespace swarm::node {

// By how much the term of a group made by force-new-cluster is ahead: the lost members may have elected
// leaders that this one has not heard of, and nodes obey the latest leader.
inline constexpr raft::Term kForcedLeap = raft::Term{1} << 20;

// Returns the one batch that turns the disk of `self` into that of a group of it alone: its store as of the
// last entry of its log, with all other managers as workers, and their Raft ids as those of removed members.
// An Error if what the disk has is no whole store.
Result<ports::DiskBatch> group_of_one(ManagerState state, std::string_view mark,
                                      const wire::ManagerPeer& self, const model::Build& build, WallTime now);

}  // namespace swarm::node
