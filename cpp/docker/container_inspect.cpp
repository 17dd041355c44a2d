// GET /containers/{id}/json
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/worker.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "docker/images.hpp"
#include "docker/json.hpp"
#include "docker/local_networks.hpp"
#include "go_template/placeholders.hpp"
#include "model/container_spec.hpp"
#include "model/task.hpp"
#include "ports/task_environment.hpp"

namespace swarm::docker {
namespace {

void write_state(Json& json, const agent::LocalTask& local) {
  json.object("State", [&] {
    json.field("Status", container_state(local)).field("Running", local.process_runs);
    for (const char* never : {"Paused", "Restarting", "OOMKilled", "Dead"}) json.field(never, false);
    json.field("Pid", local.process_runs ? local.pid : std::int64_t{0})
        .field("ExitCode", local.exit_code)
        .field("Error", "")
        .field("StartedAt", local.started_at)
        .field("FinishedAt", local.finished_at);
  });
}

// As the task got it. What cannot be expanded has no task that runs: shown as it was wished.
model::ContainerSpec launched_spec(const agent::LocalTask& local, const Context& context) {
  const model::ContainerSpec& spec = container_spec(local);
  auto expanded = go_template::expand(spec, go_template::facts_of(local.task, context.local.description));
  if (!expanded) return spec;
  return std::move(*expanded);
}

void write_exposed_ports(Json& json, const agent::LocalTask& local) {
  const auto& endpoint = local.task.templ->endpoint;
  if (!endpoint || endpoint->ports.empty()) return;
  std::set<std::uint32_t> targets;
  for (const auto& port : endpoint->ports) targets.insert(port.target_port);
  json.object("ExposedPorts", [&] {
    for (const std::uint32_t target : targets) json.object(std::to_string(target) + "/tcp", [] {});
  });
}

void write_config(Json& json, const agent::LocalTask& local, const model::ContainerSpec& spec,
                  const Context& context) {
  json.object("Config", [&] {
    json.field("Hostname", ports::container_hostname(spec.hostname, local.container_id))
        .field("Domainname", "")
        .field("User", spec.user)
        .field("AttachStdin", false)
        .field("AttachStdout", false)
        .field("AttachStderr", false);
    write_exposed_ports(json, local);
    json.field("Tty", spec.tty)
        .field("OpenStdin", spec.open_stdin)
        .field("StdinOnce", false)
        .field("Env", spec.env);
    json.field("Cmd",
               spec.command.empty() && spec.args.empty() ? container_command(local, context) : spec.args);
    json.field("Image", spec.image).null("Volumes").field("WorkingDir", spec.dir);
    if (spec.command.empty()) {
      json.null("Entrypoint");
    } else {
      json.field("Entrypoint", spec.command);
    }
    json.null("OnBuild").field("Labels", container_labels(local));
    json.field_if("StopSignal", spec.stop_signal);
  });
}

// Docker's empty values: clients read these keys without asking whether they are there.
void write_empty_host_values(Json& json) {
  for (const char* none :
       {"CapAdd", "CapDrop", "ExtraHosts", "GroupAdd", "Links", "SecurityOpt", "Devices", "Ulimits"})
    json.null(none);
  for (const char* none : {"Dns", "DnsOptions", "DnsSearch"}) json.field(none, std::vector<std::string>{});
  for (const char* none :
       {"IpcMode", "Cgroup", "PidMode", "UTSMode", "UsernsMode", "Isolation", "CgroupParent"})
    json.field(none, "");
  for (const char* none : {"OomScoreAdj", "ShmSize", "CpuShares", "Memory", "NanoCpus", "MemoryReservation",
                           "MemorySwap", "CpuPeriod", "CpuQuota"})
    json.field(none, 0);
  for (const char* none : {"Privileged", "PublishAllPorts", "ReadonlyRootfs", "OomKillDisable"})
    json.field(none, false);
}

void write_host_config(Json& json, const model::ContainerSpec& spec) {
  json.object("HostConfig", [&] {
    json.null("Binds").field("ContainerIDFile", "");
    json.object("LogConfig", [&] { json.field("Type", "json-file").object("Config", [] {}); });
    json.field("NetworkMode", "host").object("PortBindings", [] {});
    json.object("RestartPolicy", [&] { json.field("Name", "no").field("MaximumRetryCount", 0); });
    json.field("AutoRemove", false).field("VolumeDriver", "").null("VolumesFrom");
    write_empty_host_values(json);
    json.null("PidsLimit").field("Runtime", "process");
    if (spec.init) {
      json.field("Init", *spec.init);
    } else {
      json.null("Init");
    }
  });
}

void write_bindings(Json& json, const agent::LocalTask& local, const Context& context) {
  json.object("Ports", [&] {
    for (const ContainerPort& port : container_ports(local)) {
      const std::string name = std::to_string(port.target) + "/tcp";
      if (!port.published) {
        json.null(name);
        continue;
      }
      json.array(name, [&] {
        json.object([&] {
          json.field("HostIp", context.local.node_addr).field("HostPort", std::to_string(*port.published));
        });
      });
    }
  });
}

void write_networks(Json& json, const agent::LocalTask& local, const Context& context) {
  json.object("NetworkSettings", [&] {
    write_bindings(json, local, context);
    json.object("Networks", [&] {
      json.object("host", [&] {
        json.field("NetworkID", local_network_id(context, "host"))
            .field("EndpointID", "")
            .field("Gateway", "")
            .field("IPAddress", local.address);
        json.field("IPPrefixLen", 0).field("MacAddress", "").null("Aliases").null("DNSNames");
      });
    });
  });
}

}  // namespace

void show_container(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  const std::vector<std::string> command = container_command(local, call.context);
  const model::ContainerSpec spec = launched_spec(local, call.context);
  Json json;
  json.object([&] {
    json.field("Id", local.container_id)
        .field("Created", local.created_at)
        .field("Path", command.empty() ? std::string() : command.front());
    json.field("Args", std::vector<std::string>(command.begin() + (command.empty() ? 0 : 1), command.end()));
    write_state(json, local);
    json.field("Image", image_id(call.context, container_spec(local).image))
        .field("Name", "/" + model::task_name(local.task))
        .field("RestartCount", 0)
        .field("Driver", "none")
        .field("Platform", "linux");
    write_host_config(json, spec);
    json.array("Mounts", [] {});
    write_config(json, local, spec, call.context);
    write_networks(json, local, call.context);
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
