// What becomes of the swarm's roots when a user wants another one (`docker swarm ca --rotate`; swarmkit
// manager/controlapi/ca_rotation.go). NOT here: how nodes get there (ca/root_reconciler), keys and signatures
// (ports::Crypto): the caller has made them.
#pragma once

#include "model/cluster.hpp"

namespace swarm::control {

// The root that is there already is wanted: a rotation away from it ends. `id`: as certificates name it.
model::RootCa stay_with(model::RootCa roots, std::string id);
// Another root is wanted; a rotation to a third one ends. The goal's tokens are in force when all nodes are
// there.
model::RootCa rotate_to(model::RootCa roots, model::RootRotation goal);

}  // namespace swarm::control
