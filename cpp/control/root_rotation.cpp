#include "control/root_rotation.hpp"

#include <string>
#include <utility>

#include "model/cluster.hpp"

namespace swarm::control {

model::RootCa stay_with(model::RootCa roots, std::string id) {
  if (!roots.rotation) return roots;
  roots.rotation.reset();
  roots.id = std::move(id);  // nodes that were on their way come back
  return roots;
}

model::RootCa rotate_to(model::RootCa roots, model::RootRotation goal) {
  if (roots.rotation && roots.rotation->cert_pem == goal.cert_pem) return roots;
  roots.rotation = std::move(goal);
  return roots;
}

}  // namespace swarm::control
