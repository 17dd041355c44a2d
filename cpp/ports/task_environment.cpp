#include "ports/task_environment.hpp"
#include "model/container_spec.hpp"

#include <string>
#include <utility>

#include "ports/runner.hpp"

namespace swarm::ports {

std::string slot_word(const Launch& launch) {
  return launch.slot != 0 ? std::to_string(launch.slot) : launch.node_id.str();
}

std::string container_hostname(const std::string& wished, const std::string& container_id) {
  return wished.empty() ? container_id.substr(0, 12) : wished;
}

Environment task_environment(const Launch& launch, const std::string& address,
                             const std::string& container_id, Environment given) {
  Environment env = std::move(given);
  env["HOSTNAME"] = container_hostname(launch.container->hostname, container_id);
  env["SWARM_TASK_IP"] = address;
  env["SWARM_TASK_ID"] = launch.task.str();
  env["SWARM_TASK_NAME"] = launch.name;
  env["SWARM_TASK_SLOT"] = slot_word(launch);
  env["SWARM_SERVICE_ID"] = launch.service_id.str();
  env["SWARM_SERVICE_NAME"] = launch.service_name;
  env["SWARM_NODE_ID"] = launch.node_id.str();
  env["SWARM_NODE_HOSTNAME"] = launch.node_hostname;
  env["SWARM_IMAGE"] = launch.container->image;
  for (const std::string& setting : launch.container->env) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      env.erase(setting);
    } else {
      env[setting.substr(0, equals)] = setting.substr(equals + 1);
    }
  }
  return env;
}

}  // namespace swarm::ports
