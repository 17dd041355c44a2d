// GET /containers/{id}/json
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "docker/images.hpp"

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

void write_config(Json& json, const agent::LocalTask& local, const Context& context) {
  const model::ContainerSpec& spec = container_spec(local);
  json.object("Config", [&] {
    json.field("Hostname", spec.hostname)
        .field("User", spec.user)
        .field("Tty", spec.tty)
        .field("OpenStdin", spec.open_stdin)
        .field("StdinOnce", false)
        .field("Env", spec.env)
        .field("Cmd",
               spec.command.empty() && spec.args.empty() ? container_command(local, context) : spec.args);
    if (spec.command.empty()) {
      json.null("Entrypoint");
    } else {
      json.field("Entrypoint", spec.command);
    }
    json.field("Image", spec.image).field("WorkingDir", spec.dir).field("Labels", container_labels(local));
    json.field_if("StopSignal", spec.stop_signal);
  });
}

void write_host_config(Json& json, const model::ContainerSpec& spec) {
  json.object("HostConfig", [&] {
    json.field("NetworkMode", "host").null("Binds").null("PortBindings");
    json.object("RestartPolicy", [&] { json.field("Name", "no").field("MaximumRetryCount", 0); });
    json.object("LogConfig", [&] { json.field("Type", "json-file").object("Config", [] {}); });
    if (spec.init) {
      json.field("Init", *spec.init);
    } else {
      json.null("Init");
    }
  });
}

void write_networks(Json& json, const agent::LocalTask& local) {
  json.object("NetworkSettings", [&] {
    json.object("Ports", [] {});
    json.object("Networks", [&] {
      json.object("host", [&] {
        json.field("NetworkID", "")
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
    write_host_config(json, container_spec(local));
    json.array("Mounts", [] {});
    write_config(json, local, call.context);
    write_networks(json, local);
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
