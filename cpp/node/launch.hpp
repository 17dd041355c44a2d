// A task as its runner is to start it, and where the disk of its node remembers it (family agent).
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "ports/runner.hpp"

namespace swarm::node {

std::string task_key(TaskId id);

// An error for a bad placeholder that only the facts of some nodes or tasks lead to: `{{if eq .Node.Hostname
// "m1"}}...`.
Result<ports::Launch> launch_of(const model::Task& task, const model::NodeDescription& description);

}  // namespace swarm::node
