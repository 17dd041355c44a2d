// GET /swarmpy/v1/feature-level: the swarm's level, the level that each node's build knows, and which manager
// holds the swarm back:
//   {"Level": 1, "Nodes": [{"ID", "Hostname", "Role", "Level": 2}, ...],
//    "HeldBackBy": "m2 knows feature level 1"}
// "HeldBackBy" is there only while some manager knows more than the swarm's level.
#include "control/feature_level.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/id.hpp"
#include "docker/call.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "store/store.hpp"

namespace swarm::docker {

void show_feature_level(Call& call) {
  const store::Store& store = call.store();
  std::vector<NodeId> managers;
  model::FeatureLevel newest = store.feature_level();
  for (const auto& [id, node] : store.nodes()) {
    if (!node->manager) continue;
    managers.push_back(id);
    newest = std::max(newest, node->description.feature_level);
  }
  Json json;
  json.object([&] {
    json.field("Level", std::uint64_t{store.feature_level()});
    json.array("Nodes", [&] {
      for (const auto& [id, node] : store.nodes())
        json.object([&] {
          json.field("ID", id.str())
              .field("Hostname", node->description.hostname)
              .field("Role", model::to_string(node->role))
              .field("Level", std::uint64_t{node->description.feature_level});
        });
    });
    if (newest > store.feature_level())
      json.field("HeldBackBy", control::held_back_by(store, newest, managers));
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
