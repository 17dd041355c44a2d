// Two specs of tasks mean the same when they differ only in what one leaves out and the other says: Docker's
// defaults. A client that reads a spec with `insertDefaults`, changes the number of replicas and sends it
// back (docker-py's scale) changes no task.
#pragma once

#include "model/service_spec.hpp"

namespace swarm::model {

// The spec with every default said.
TaskSpec with_defaults(TaskSpec spec);
// Returns true if tasks of both do the same.
bool same_meaning(const TaskSpec& a, const TaskSpec& b);

}  // namespace swarm::model
