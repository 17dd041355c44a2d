// What a task sees of the world: its environment, its templates, its stop signal. Pure.
//
//   SWARM_TASK_IP            the task's own address: bind there
//   SWARM_PORT_<target>      the port to bind for target port <target>; the same number unless ports below
//   1024 need a
//                            right that the daemon lacks (then 10000 more)
//   SWARM_TASK_ID, SWARM_TASK_NAME, SWARM_TASK_SLOT, SWARM_SERVICE_ID, SWARM_SERVICE_NAME, SWARM_NODE_ID,
//   SWARM_NODE_HOSTNAME, SWARM_IMAGE
#pragma once

#include <string>
#include <vector>

#include "model/service_spec.hpp"
#include "ports/runner.hpp"

namespace swarm::real {

// {{.Service.Name}}, {{.Task.Slot}}... (swarmkit template/context.go); what is not known stays as it is.
std::string expand_template(const std::string& text, const ports::Launch& launch);
std::vector<std::string> task_environment(const ports::Launch& launch, const std::string& address,
                                          const std::string& directory);
// "SIGTERM", "TERM", "15"; 0 for what is none.
int signal_number(const std::string& word);
std::vector<std::string> process_runner_warnings(const model::TaskSpec& spec);

}  // namespace swarm::real
