// GET /containers/json
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "agent/worker.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/images.hpp"
#include "docker/json.hpp"
#include "docker/local_networks.hpp"
#include "docker/url.hpp"
#include "model/container_spec.hpp"
#include "model/task.hpp"

namespace swarm::docker {
namespace {

// As dockerd writes it (daemon/list.go): arguments with a space in quotes, the first word never.
std::string command_line(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    const bool spaced = &word != &words.front() && word.find(' ') != std::string::npos;
    out += (&word == &words.front() ? "" : " ") + (spaced ? "'" + word + "'" : word);
  }
  return out;
}

bool ran_image(const agent::LocalTask& local, const std::string& wanted) {
  const std::string image = normal_reference(container_spec(local).image);
  return image == normal_reference(wanted) || image.substr(0, image.rfind(':')) == wanted;
}

struct PortRange {
  std::uint64_t first = 0, last = 0;
  std::string protocol;
};

Error bad_port(const std::string& key, const std::string& value, const std::string& why) {
  return plain_error(Code::unknown, "error while looking up for " + key + " " + value + ": " + why);
}

// docker/go-connections nat.ParsePortRange: "80", "80/tcp", "8000-8010".
Result<PortRange> parse_ports(const std::string& key, const std::string& value) {
  constexpr std::uint64_t kLastPort = 65'535;
  if (value.find(':') != std::string::npos)
    return plain_error(Code::unknown, "filter for '" + key + "' should not contain ':': " + value);
  const std::size_t slash = value.find('/');
  const std::string ports = value.substr(0, slash);
  if (ports.empty()) return bad_port(key, value, "empty string specified for ports");
  const std::size_t dash = ports.find('-');
  const auto first = parse_whole<std::uint64_t>(ports.substr(0, dash));
  const auto last = dash == std::string::npos ? first : parse_whole<std::uint64_t>(ports.substr(dash + 1));
  if (!first || !last || *first > kLastPort || *last > kLastPort)
    return bad_port(key, value, "invalid port number: " + ports);
  if (*last < *first) return bad_port(key, value, "invalid range specified for port: " + ports);
  return PortRange{*first, *last, slash == std::string::npos ? "tcp" : value.substr(slash + 1)};
}

std::optional<Error> port_filter_error(const Filters& filters) {
  for (const char* key : {"publish", "expose"})
    for (const auto& value : filters.values(key))
      if (const auto range = parse_ports(key, value); !range) return range.error();
  return std::nullopt;
}

bool in_some(const Filters& filters, const char* key, std::uint64_t port) {
  return std::ranges::any_of(filters.values(key), [&](const std::string& value) {
    const auto range = parse_ports(key, value);
    return range && range->protocol == "tcp" && range->first <= port && port <= range->last;
  });
}

// moby daemon/list.go: one port that is published or exposed as the filter asks is enough.
bool port_fits(const agent::LocalTask& local, const Filters& filters) {
  if (!filters.has("publish") && !filters.has("expose")) return true;
  return std::ranges::any_of(container_ports(local), [&](const ContainerPort& port) {
    return (port.published && in_some(filters, "publish", *port.published)) ||
           in_some(filters, "expose", port.target);
  });
}

bool shown(const Context& context, const agent::LocalTask& local, const Filters& filters) {
  const std::string name = model::task_name(local.task);
  const auto name_fits = [&](const std::string&) {
    return filters.part("name", name) || filters.part("name", "/" + name);
  };
  return filters.any("id", [&](const std::string& id) { return local.container_id.starts_with(id); }) &&
         filters.any("name", name_fits) && filters.labels("label", container_labels(local)) &&
         filters.exact("status", container_state(local)) && filters.exact("health", "none") &&
         filters.exact("is-task", "true") &&
         filters.any("network",
                     [&](const std::string& network) {
                       return network == "host" || network == local_network_id(context, "host");
                     }) &&
         filters.any("exited",
                     [&](const std::string& code) {
                       return container_state(local) == std::string("exited") &&
                              code == std::to_string(local.exit_code);
                     }) &&
         filters.any("ancestor",
                     [&](const std::string& image) {
                       return ran_image(local, image) ||
                              image_id(context, container_spec(local).image) == image;
                     }) &&
         !filters.has("volume") && port_fits(local, filters);
}

// `before` and `since` name a container.
Result<bool> in_range(const Call& call, const agent::LocalTask& local, const Filters& filters) {
  for (const auto& name : filters.values("before")) {
    const auto other = find_container(call.context, name);
    if (!other) return other.error();
    if (local.created_at >= (*other)->created_at) return false;
  }
  for (const auto& name : filters.values("since")) {
    const auto other = find_container(call.context, name);
    if (!other) return other.error();
    if (local.created_at <= (*other)->created_at) return false;
  }
  return true;
}

// The address is the one that this node really listens on, of IPv4 alone.
void write_container_ports(Json& json, const Context& context, const agent::LocalTask& local) {
  json.array("Ports", [&] {
    if (!local.process_runs) return;
    for (const ContainerPort& port : container_ports(local))
      json.object([&] {
        if (port.published) json.field("IP", context.local.node_addr);
        json.field("PrivatePort", port.target);
        if (port.published) json.field("PublicPort", *port.published);
        json.field("Type", "tcp");
      });
  });
}

Result<std::vector<const agent::LocalTask*>> chosen(const Call& call, const Filters& filters) {
  const std::string given = call.target.text("limit");
  const auto number = given.empty() ? std::optional<std::int64_t>(0) : parse_whole<std::int64_t>(given);
  if (!number) return not_a_number("invalid value for limit", "Atoi", given);
  // docker-py sends -1 where its caller gave no limit.
  const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
  const bool all = call.target.flag("all") || limit != 0 || filters.has("status") || filters.has("exited");
  std::vector<const agent::LocalTask*> out;
  if (call.context.worker == nullptr) return out;
  for (const auto& [id, local] : call.context.worker->tasks()) {
    if (!is_container(local) || (!all && !local.process_runs) || !shown(call.context, local, filters))
      continue;
    const auto fits = in_range(call, local, filters);
    if (!fits) return fits.error();
    if (*fits) out.push_back(&local);
  }
  // Newest first, as Docker lists them.
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->created_at > b->created_at; });
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

void write_container(Json& json, const Context& context, const agent::LocalTask& local) {
  const model::ContainerSpec& spec = container_spec(local);
  json.object([&] {
    json.field("Id", local.container_id);
    json.field("Names", std::vector<std::string>{"/" + model::task_name(local.task)});
    json.field("Image", spec.image)
        .field("ImageID", image_id(context, spec.image))
        .field("Command", command_line(container_command(local, context)))
        .field("Created", local.created_at.ns / 1'000'000'000);
    write_container_ports(json, context, local);
    json.field("Labels", container_labels(local))
        .field("State", container_state(local))
        .field("Status", container_status(local, context.wall));
    json.object("HostConfig", [&] { json.field("NetworkMode", "host"); });
    json.object("NetworkSettings", [&] {
      json.object("Networks", [&] {
        json.object("host", [&] {
          json.field("NetworkID", local_network_id(context, "host")).field("IPAddress", local.address);
        });
      });
    });
    json.array("Mounts", [] {});
  });
}

void list_containers(Call& call) {
  const auto filters = Filters::parse(
      call.target, {"id", "name", "label", "status", "ancestor", "before", "since", "exited", "health",
                    "network", "volume", "publish", "expose", "is-task", "isolation"});
  if (!filters) return call.refuse(filters.error());
  constexpr const char* kStates[] = {"created",  "running", "paused", "restarting",
                                     "removing", "exited",  "dead"};
  for (const auto& state : filters->values("status"))
    if (std::find(std::begin(kStates), std::end(kStates), state) == std::end(kStates))
      return call.refuse(invalid_filter("status", state));
  for (const auto& code : filters->values("exited"))
    if (!parse_whole<std::int64_t>(code))
      return call.refuse(not_a_number("invalid filter 'exited=[" + code + "]'", "Atoi", code));
  if (const auto error = port_filter_error(*filters)) return call.refuse(*error);
  const auto containers = chosen(call, *filters);
  if (!containers) return call.refuse(containers.error());
  Json json;
  json.array([&] {
    for (const agent::LocalTask* local : *containers) write_container(json, call.context, *local);
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
