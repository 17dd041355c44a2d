// What a service's spec may say, with Docker's texts (swarmkit manager/controlapi/service.go, common.go,
// ...). NOT here: what depends on other objects (service.cpp).
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "control/process_checks.hpp"
#include "control/reference.hpp"
#include "control/service.hpp"
#include "control/service_numbers.hpp"
#include "go_template/placeholders.hpp"
#include "model/annotations.hpp"
#include "model/constraint.hpp"
#include "model/container_spec.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "model/service_spec.hpp"

namespace swarm::control {
namespace {

using Check = Result<void>;

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Check check_mounts(const std::vector<model::Mount>& mounts) {
  std::set<std::string> targets;
  for (const auto& mount : mounts)
    if (!targets.insert(mount.target).second)
      return invalid("ContainerSpec: duplicate mount point: " + mount.target);
  return {};
}

// What a task would get of its placeholders is checked like what is written out: swarmkit expands with
// stand-ins.
Check check_launch(const model::ContainerSpec& container, const model::Annotations& service) {
  const auto expanded = go_template::try_expand(container, service);
  return expanded ? check_process(*expanded) : Check(expanded.error());
}

Check check_container(const model::ContainerSpec& container, const model::Annotations& service) {
  if (container.image.empty()) return invalid("ContainerSpec: image reference must be provided");
  if (!is_image_reference(container.image))
    return invalid("ContainerSpec: " + quoted(container.image) + " is not a valid repository/tag");
  if (const auto mounts = check_mounts(container.mounts); !mounts) return mounts;
  if (const auto launch = check_launch(container, service); !launch) return launch;
  return check_container_numbers(container);
}

Check check_task(const model::TaskSpec& task, const model::Annotations& service) {
  if (task.resources)
    if (const auto resources = check_resources(*task.resources); !resources) return resources;
  if (task.restart)
    if (const auto restart = check_restart(*task.restart); !restart) return restart;
  if (task.placement)
    if (const auto parsed = model::parse_constraints(task.placement->constraints); !parsed)
      return parsed.error();
  if (!task.runtime.empty() && task.runtime != "container")
    return rpc_error(Code::unimplemented, "RuntimeSpec: unimplemented runtime in service spec");
  if (!task.container) return invalid("TaskSpec: missing runtime");
  return check_container(*task.container, service);
}

// Refused rather than accepted and not served, which no user would notice.
Error not_yet(const model::PortConfig& port) {
  const std::string protocol = port.protocol == model::PortProtocol::udp ? "udp" : "sctp";
  Error error =
      rpc_error(Code::unimplemented, "EndpointSpec: port " + std::to_string(port.target_port) + "/" +
                                         protocol + " cannot be published: the mesh carries tcp only, " +
                                         protocol + " is not there yet");
  error.hint = "Publish the port as tcp, or leave it out.";
  return error;
}

bool is_own_port(std::uint32_t port) { return port == model::kManagementPort || port == model::kDataPort; }

Check check_endpoint(const model::EndpointSpec& endpoint) {
  std::set<std::tuple<model::PortProtocol, model::PublishMode, std::uint32_t>> seen;
  for (const auto& port : endpoint.ports) {
    const bool ingress = port.publish_mode == model::PublishMode::ingress;
    if (port.protocol != model::PortProtocol::tcp) return not_yet(port);
    if (ingress && endpoint.mode == model::EndpointMode::dnsrr)
      return invalid("EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
    if (port.published_port != 0 &&
        !seen.insert({port.protocol, port.publish_mode, port.published_port}).second)
      return invalid("EndpointSpec: duplicate published ports provided");
    if (is_own_port(port.published_port))
      return invalid("EndpointSpec: port " + std::to_string(port.published_port) +
                     " is the swarm's own, at every node: publish another one");
    if (const auto numbers = check_port_numbers(port); !numbers) return numbers;
  }
  return {};
}

}  // namespace

// ^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$
Result<void> validate_name(const std::string& name) {
  if (name.empty()) return invalid("meta: name must be provided");
  const bool dns_like = is_letter_or_digit(name.front()) && is_letter_or_digit(name.back()) &&
                        std::all_of(name.begin(), name.end(),
                                    [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
  if (!dns_like) return invalid("name must be valid as a DNS name component");
  if (name.size() > 63) return invalid("name must be 63 characters or fewer");
  return {};
}

Result<void> validate_service_spec(const model::ServiceSpec& spec) {
  if (const auto name = validate_name(spec.annotations.name); !name) return name;
  if (const auto task = check_task(spec.task, spec.annotations); !task) return task;
  if (const auto replicas = check_replicas(spec); !replicas) return replicas;
  for (const auto& config : {spec.update, spec.rollback})
    if (config)
      if (const auto update = check_update(*config); !update) return update;
  return spec.endpoint ? check_endpoint(*spec.endpoint) : Check{};
}

}  // namespace swarm::control
