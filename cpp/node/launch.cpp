#include "node/launch.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "control/process_checks.hpp"
#include "go_template/placeholders.hpp"
#include "model/container_spec.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "ports/runner.hpp"
#include "ports/runtimes.hpp"

namespace swarm::node {

std::string task_key(TaskId id) {
  std::string key;
  put_u64(key, static_cast<std::uint64_t>(id.value() >> 64));
  put_u64(key, static_cast<std::uint64_t>(id.value()));
  return key;
}

namespace {

// Ingress gives it none: published ports are the mesh's.
std::string overlay_address(const model::Task& task) {
  for (const auto& place : task.attachments)
    if (!place.ingress && !place.addresses.empty())
      return place.addresses.front().substr(0, place.addresses.front().find('/'));
  return {};
}

}  // namespace

Result<ports::Launch> launch_of(const model::Task& task, const model::NodeDescription& description) {
  ports::Launch launch;
  launch.task = task.id;
  launch.name = model::task_name(task);
  launch.runtime = ports::runtime_of(task.spec());
  if (const auto& container = task.spec().container) {
    auto expanded = go_template::expand(*container, go_template::facts_of(task, description));
    if (!expanded) return expanded.error();
    if (auto fine = control::check_process(*expanded); !fine) return fine.error();
    launch.container = std::move(*expanded);
  } else {
    launch.container.emplace();
  }
  launch.stop_grace = model::stop_grace(task.spec());
  launch.service_id = task.service_id;
  launch.service_name = task.templ->service.name;
  launch.slot = task.slot;
  launch.node_id = task.node_id;
  launch.node_hostname = description.hostname;
  if (const auto& endpoint = task.templ->endpoint)
    for (const auto& port : endpoint->ports) launch.target_ports.push_back(port.target_port);
  launch.overlay_address = overlay_address(task);
  return launch;
}

}  // namespace swarm::node
