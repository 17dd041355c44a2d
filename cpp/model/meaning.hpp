// Two specs of tasks mean the same when they differ only in Docker's defaults, which one leaves out and the
// other spells out. A client that reads a spec with `insertDefaults`, changes the number of replicas and
// sends it back (docker-py's scale) changes no task.
#pragma once

#include "model/service_spec.hpp"

namespace swarm::model {

// Returns the spec with every default spelled out.
TaskSpec with_defaults(TaskSpec spec);
// Returns true if tasks of both specs do the same.
bool same_meaning(const TaskSpec& a, const TaskSpec& b);

}  // namespace swarm::model
