#include "docker/containers.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/worker.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "docker/events.hpp"
#include "docker/images.hpp"
#include "model/annotations.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::docker {

const agent::LocalTask* local_task(const Context& context, TaskId task) {
  if (context.worker == nullptr) return nullptr;
  const auto it = context.worker->tasks().find(task);
  return it == context.worker->tasks().end() ? nullptr : &it->second;
}

bool is_container(const agent::LocalTask& local) {
  return local.container_exists && !local.container_id.empty();
}

Result<const agent::LocalTask*> find_container(const Context& context, const std::string& name) {
  if (context.worker == nullptr) return no_such_container(name);
  const std::string plain = name.starts_with('/') ? name.substr(1) : name;
  const agent::LocalTask* by_prefix = nullptr;
  bool several = false;
  for (const auto& [id, local] : context.worker->tasks()) {
    if (!is_container(local)) continue;
    if (local.container_id == plain || model::task_name(local.task) == plain) return &local;
    if (!local.container_id.starts_with(plain)) continue;
    several = by_prefix != nullptr;
    by_prefix = &local;
  }
  if (several)
    return plain_error(Code::invalid_argument,
                       "Multiple IDs found with provided prefix: " + std::string(plain));
  if (by_prefix == nullptr || plain.empty()) return no_such_container(name);
  return by_prefix;
}

const model::ContainerSpec& container_spec(const agent::LocalTask& local) {
  static const model::ContainerSpec kNone;
  const auto& spec = local.task.spec().container;
  return spec ? *spec : kNone;
}

// moby daemon/cluster/executor/container/container.go, labels().
model::Labels container_labels(const agent::LocalTask& local) {
  const model::Task& task = local.task;
  model::Labels out = container_spec(local).labels;
  out["com.docker.swarm.task"] = "";
  out["com.docker.swarm.task.id"] = task.id.str();
  out["com.docker.swarm.task.name"] = model::task_name(task);
  out["com.docker.swarm.node.id"] = task.node_id.str();
  out["com.docker.swarm.service.id"] = task.service_id.str();
  out["com.docker.swarm.service.name"] = task.templ->service.name;
  return out;
}

ContainerFacts container_facts(const agent::LocalTask& local, const Context&) {
  ContainerFacts out{local.container_id, container_spec(local).image, container_labels(local),
                     container_spec(local).stop_signal};
  out.attributes["image"] = out.image;
  out.attributes["name"] = model::task_name(local.task);
  return out;
}

std::vector<std::string> container_command(const agent::LocalTask& local, const Context& context) {
  const model::ContainerSpec& spec = container_spec(local);
  std::vector<std::string> out = spec.command;
  out.insert(out.end(), spec.args.begin(), spec.args.end());
  if (!out.empty()) return out;
  const auto image = find_image(context, spec.image);
  return image ? image->command : out;
}

std::vector<ContainerPort> container_ports(const agent::LocalTask& local) {
  std::vector<ContainerPort> out;
  const auto& endpoint = local.task.templ->endpoint;
  if (!endpoint) return out;
  const auto& open = local.task.status.port_status;  // also those that the engine picked
  for (const auto& port : endpoint->ports) {
    ContainerPort one{port.target_port, std::nullopt};
    const auto served = std::find_if(open.begin(), open.end(), [&](const model::PortConfig& status) {
      const bool same = port.published_port == 0 || status.published_port == port.published_port;
      return same && status.target_port == port.target_port && status.protocol == port.protocol;
    });
    const bool host = port.publish_mode == model::PublishMode::host && local.process_runs;
    if (host && served != open.end()) one.published = served->published_port;
    out.push_back(one);
  }
  return out;
}

const char* container_state(const agent::LocalTask& local) {
  if (local.process_runs) return "running";
  return local.finished_at.ns == 0 ? "created" : "exited";
}

std::string container_status(const agent::LocalTask& local, WallTime now) {
  const std::string state = container_state(local);
  if (state == "running") return "Up " + human_span(now - local.started_at);
  if (state == "created") return "Created";
  return "Exited (" + std::to_string(local.exit_code) + ") " + human_span(now - local.finished_at) + " ago";
}

// docker/go-units HumanDuration.
std::string human_span(Duration span) {
  const std::int64_t seconds = span.ns / 1'000'000'000, minutes = seconds / 60, hours = (minutes + 30) / 60;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return std::to_string(seconds) + " seconds";
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return std::to_string(minutes) + " minutes";
  if (hours == 1) return "About an hour";
  if (hours < 48) return std::to_string(hours) + " hours";
  if (hours < 24 * 7 * 2) return std::to_string(hours / 24) + " days";
  if (hours < 24 * 30 * 2) return std::to_string(hours / 24 / 7) + " weeks";
  if (hours < 24 * 365 * 2) return std::to_string(hours / 24 / 30) + " months";
  return std::to_string(hours / 24 / 365) + " years";
}

ContainerCounts count_containers(const Context& context) {
  ContainerCounts out;
  if (context.worker == nullptr) return out;
  for (const auto& [id, local] : context.worker->tasks()) {
    if (!is_container(local)) continue;
    ++out.all;
    if (local.process_runs) ++out.running;
  }
  return out;
}

}  // namespace swarm::docker
