// When the feature level of the cluster rises, and what is refused until then. Each node speaks for its own
// build, in its description; what counts is what all managers know, because all of them apply the log.
// Workers apply no log: their level holds nothing back.
//
// It rises to the highest level that every manager knows, once all of them are ready: what a manager that is
// down will come back as, only its return can tell. It never falls. NOT here: refusing entries
// (node/apply_entry).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/feature_level.hpp"
#include "store/store.hpp"

namespace swarm::control {

// The next step of the cluster's level, where `managers` (the members of the Raft group, voters and learners)
// allow one.
std::optional<model::Transaction> raise_level(const store::Store& store, const model::Build& own,
                                              const std::vector<NodeId>& managers);

// "m2 knows feature level 1 and m3 is down": what keeps the cluster below `needed`; "" when nothing does.
std::string held_back_by(const store::Store& store, model::FeatureLevel needed,
                         const std::vector<NodeId>& managers);

// Why a transaction that needs level `needed` may not be proposed yet: which managers must be upgraded.
Result<void> may_propose(const store::Store& store, model::FeatureLevel needed,
                         const std::vector<NodeId>& managers);

// Why a node whose build knows `knows` cannot be a manager of a swarm at `level`.
Result<void> may_manage(const std::string& name, model::FeatureLevel knows, model::FeatureLevel level);

// What a manager says whose build is older than its swarm.
std::string too_old(model::FeatureLevel knows, model::FeatureLevel level);

}  // namespace swarm::control
