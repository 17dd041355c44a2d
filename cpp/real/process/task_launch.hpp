// What a process of this machine is started with, beside what every task knows of itself
// (ports/task_environment.hpp):
//
//   PATH, HOME               the daemon's path; the task's own directory
//   SWARM_TASK_BIND          0.0.0.0, in a network namespace of its own
//   SWARM_PORT_<target>      the port to bind for target port <target>: the same number, or 10000 more where
//                            ports below 1024 need a right that the daemon lacks
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/container_spec.hpp"
#include "ports/runner.hpp"

namespace swarm::real {

std::vector<std::string> process_environment(const ports::Launch& launch, const std::string& address,
                                             const std::string& container_id, const std::string& directory);

// What Docker asks of the node before it makes a container: that the user is known ("name", "1000",
// "name:group"), that the sources of bind mounts exist.
Result<void> check_user(const std::string& user);
Result<void> check_mounts(const std::vector<model::Mount>& mounts);

}  // namespace swarm::real
