// Containers: how this node's tasks look as Docker containers. A task's container has the task's name and 64
// hex digits for an id; it exists from its first start until the node forgets the task.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/events.hpp"
#include "docker/json.hpp"

namespace swarm::docker {

// Null outside a swarm, and for a task that this node does not have.
const agent::LocalTask* local_task(const Context& context, TaskId task);
bool is_container(const agent::LocalTask& local);
// By full id, name with or without "/", or a prefix of the id that is unique.
Result<const agent::LocalTask*> find_container(const Context& context, const std::string& name);

model::Labels container_labels(const agent::LocalTask& local);
ContainerFacts container_facts(const agent::LocalTask& local, const Context& context);
const model::ContainerSpec& container_spec(const agent::LocalTask& local);
std::vector<std::string> container_command(const agent::LocalTask& local, const Context& context);

// A port of the task, and where this very node serves it (host mode). Ingress ports are the node's, not the
// container's.
struct ContainerPort {
  std::uint32_t target = 0;
  std::optional<std::uint32_t> published;
};
std::vector<ContainerPort> container_ports(const agent::LocalTask& local);
// An entry of GET /containers/json.
void write_container(Json& json, const Context& context, const agent::LocalTask& local);

const char* container_state(const agent::LocalTask& local);                 // "created", "running", "exited"
std::string container_status(const agent::LocalTask& local, WallTime now);  // "Up 5 minutes"
// Docker's words for a span: "Less than a second", "5 minutes", "About an hour".
std::string human_span(Duration span);

struct ContainerCounts {
  std::size_t all = 0, running = 0;
};
ContainerCounts count_containers(const Context& context);

}  // namespace swarm::docker
