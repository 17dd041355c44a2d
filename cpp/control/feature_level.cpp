#include "control/feature_level.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {
namespace {

using model::FeatureLevel;

std::string level_text(FeatureLevel level) { return "feature level " + std::to_string(level); }

bool is_ready(const model::Node* node) {
  return node != nullptr && node->status.state == model::NodeState::ready;
}

}  // namespace

std::string held_back_by(const store::Store& store, FeatureLevel needed,
                         const std::vector<NodeId>& managers) {
  std::vector<std::string> reasons;
  for (const NodeId id : managers) {
    const auto node = store.node(id);
    if (!node) continue;
    if (node->description.feature_level < needed) {
      reasons.push_back(node->display_name() + " knows " + level_text(node->description.feature_level));
    } else if (!is_ready(node.get())) {
      reasons.push_back(node->display_name() + " is " + model::to_string(node->status.state));
    }
  }
  std::sort(reasons.begin(), reasons.end());
  std::string text;
  for (std::size_t i = 0; i < reasons.size(); ++i)
    text += (i == 0 ? "" : i + 1 == reasons.size() ? " and " : ", ") + reasons[i];
  return text;
}

std::optional<model::Transaction> raise_level(const store::Store& store, const model::Build& own,
                                              const std::vector<NodeId>& managers) {
  const model::Cluster* cluster = store.cluster();
  if (cluster == nullptr || cluster->feature_level >= own.feature_level) return std::nullopt;
  FeatureLevel known = own.feature_level;
  for (const NodeId id : managers) {
    const auto node = store.node(id);
    if (!is_ready(node.get())) return std::nullopt;
    known = std::min(known, node->description.feature_level);
  }
  if (known <= cluster->feature_level) return std::nullopt;
  model::Cluster next = *cluster;
  next.feature_level = known;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(next)});
  return transaction;
}

Result<void> may_propose(const store::Store& store, FeatureLevel needed,
                         const std::vector<NodeId>& managers) {
  if (needed <= store.feature_level()) return {};
  const std::string reasons = held_back_by(store, needed, managers);
  Error error = rpc_error(Code::failed_precondition,
                          "this needs " + level_text(needed) + ", and the swarm is at " +
                              level_text(store.feature_level()) + (reasons.empty() ? "" : ": " + reasons));
  error.hint = reasons.empty()
                   ? "the level is just rising: try again"
                   : "upgrade swarmpy on these managers and start them: the level rises by itself";
  return error;
}

Result<void> may_manage(const std::string& name, FeatureLevel knows, FeatureLevel level) {
  if (knows >= level) return {};
  Error error = rpc_error(Code::failed_precondition,
                          "the swarmpy of node " + name + " knows " + level_text(knows) +
                              ", and a manager of this swarm must know " + level_text(level) +
                              ": upgrade swarmpy on node " + name + " first");
  error.hint = "as a worker it may be older";
  return error;
}

std::string too_old(FeatureLevel knows, FeatureLevel level) {
  return "this swarm is at " + level_text(level) + ", and the swarmpy on this node knows " +
         level_text(knows) +
         ": upgrade swarmpy on this node and start it again. Its data root stays as it is";
}

}  // namespace swarm::control
