// Runtimes: what a task's spec asks to be run by, in Docker's words (TaskTemplate.Runtime), and what a node
// answers when it has no executor for it. Executors are named as Docker names runtimes of containers in
// `docker info` (Runtimes); a node's description lists them as plugins of type Runtime.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/service_spec.hpp"

namespace swarm::ports {

inline constexpr const char* kContainerRuntime = "container";

// "container" where the spec does not say.
std::string runtime_of(const model::TaskSpec& spec);

// Why a node whose executors are `names` does not run a task of this runtime: the task is rejected with it.
Error no_executor(const std::string& runtime, const std::vector<std::string>& names);

}  // namespace swarm::ports
