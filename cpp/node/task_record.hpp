// TaskRecord: a task as the disk of its node remembers it (family agent), and as its runner is to start it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "ports/runner.hpp"

namespace swarm::node {

std::string task_key(TaskId id);
std::string encode_task_record(const model::Task& task);
Result<model::Task> decode_task_record(std::string_view bytes);

// An error for placeholders that stand only where a node's or a task's facts lead: `{{if eq .Node.Hostname
// "m1"}}...`.
Result<ports::Launch> launch_of(const model::Task& task, const model::NodeDescription& description);

}  // namespace swarm::node
