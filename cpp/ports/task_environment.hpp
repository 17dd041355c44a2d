// What a task knows of itself: its environment, the same in both worlds.
//
//   HOSTNAME                 --hostname, or the first 12 digits of its container's id
//   SWARM_TASK_IP            the task's own address: bind there
//   SWARM_TASK_BIND          0.0.0.0 where the task has a network namespace of its own, with an address on
//   each of
//                            its networks: bind there, then all of them reach it
//   SWARM_TASK_ID, SWARM_TASK_NAME, SWARM_SERVICE_ID, SWARM_SERVICE_NAME, SWARM_NODE_ID, SWARM_NODE_HOSTNAME,
//   SWARM_IMAGE
//   SWARM_TASK_SLOT          1..N; of a global service the node's id, as {{.Task.Slot}}
//
// A runner adds what it gives beside (PATH, HOME, SWARM_PORT_<target>). The spec's own variables come last:
// one without
// "=" takes the variable away.
#pragma once

#include <map>
#include <string>

#include "ports/runner.hpp"

namespace swarm::ports {

using Environment = std::map<std::string, std::string>;

std::string slot_word(const Launch& launch);  // "3", or the node's id
std::string container_hostname(const std::string& wished, const std::string& container_id);

// `given`: what the runner gives; its own and the spec's settings are laid over it.
Environment task_environment(const Launch& launch, const std::string& address,
                             const std::string& container_id, Environment given);

}  // namespace swarm::ports
