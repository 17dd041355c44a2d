// What users may do to a node: change its spec, remove it; and what quorum forbids (promote, demote, remove,
// leave).
#pragma once

#include <map>

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {

// Members of the Raft group and whether the leader hears from them.
using Reachable = std::map<std::uint64_t, bool>;

// `version` must be the node's; a demotion must leave a reachable majority and at least one manager:
// "attempting to demote the last manager of the swarm", "can't remove member from the raft: this would result
// in a loss of quorum".
Result<model::Transaction> update_node(const store::Store& store, NodeId id, std::uint64_t version,
                                       const model::NodeSpec& spec, const Reachable& members);

// A manager must be demoted first; a node that is not down needs `force`. Its tasks are orphaned in the same
// transaction, and its id may not come back.
Result<model::Transaction> remove_node(const store::Store& store, NodeId id, bool force,
                                       const Reachable& members, WallTime time = {});

// May this manager leave without `force`? Docker's long texts when not.
Result<void> may_leave(const store::Store& store, NodeId id, const Reachable& members);

}  // namespace swarm::control
