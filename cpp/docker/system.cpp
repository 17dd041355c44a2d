// /_ping, /version, /info, /system/df
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "docker/images.hpp"
#include "docker/json.hpp"
#include "docker/objects.hpp"
#include "model/bounds.hpp"
#include "model/builtin_plugins.hpp"
#include "model/node.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kTwoManagers =
    "WARNING: Running Swarm in a two-manager configuration. This configuration provides\n"
    "         no fault tolerance, and poses a high risk to lose control over the cluster.\n"
    "         Refer to https://docs.docker.com/engine/swarm/admin_guide/ to configure the\n"
    "         Swarm for fault-tolerance.";

const char* word(SwarmState state) {
  switch (state) {
    case SwarmState::inactive:
      return "inactive";
    case SwarmState::pending:
      return "pending";
    case SwarmState::active:
      return "active";
    case SwarmState::error:
      return "error";
    case SwarmState::locked:
      return "locked";
  }
  return "inactive";
}

// The CLI hides commands by it.
std::string ping_word(const LocalNode& local) {
  if (local.state != SwarmState::active) return word(local.state);
  return local.control_available ? "active/manager" : "active/worker";
}

std::vector<std::string> swarm_warnings(const Context& context) {
  std::vector<std::string> out;
  if (context.raft.reachable.size() == 2) out.push_back(kTwoManagers);
  for (const std::string& problem : context.local.problems) out.push_back("WARNING: " + problem);
  const auto warn = [&out](const auto& object) {
    for (const std::string& sentence : model::kept_in_bounds(object)) out.push_back("WARNING: " + sentence);
  };
  if (context.store == nullptr || context.store->cluster() == nullptr) return out;
  warn(*context.store->cluster());
  for (const auto& [id, service] : context.store->services()) warn(*service);
  return out;
}

void write_managers(Json& json, const LocalNode& local) {
  if (local.managers.empty()) {
    json.null("RemoteManagers");
    return;
  }
  json.array("RemoteManagers", [&] {
    for (const auto& peer : local.managers)
      json.object([&] { json.field("NodeID", peer.node.str()).field("Addr", peer.address.str()); });
  });
}

void write_swarm(Json& json, const Context& context) {
  const LocalNode& local = context.local;
  json.object("Swarm", [&] {
    json.field("NodeID", local.node.str())
        .field("NodeAddr", local.node_addr)
        .field("LocalNodeState", word(local.state))
        .field("ControlAvailable", local.control_available)
        .field("Error", local.error);
    write_managers(json, local);
    if (context.store == nullptr || context.store->cluster() == nullptr) return;
    json.field_if("Nodes", static_cast<std::uint64_t>(context.store->nodes().size()))
        .field_if("Managers", static_cast<std::uint64_t>(context.raft.reachable.size()));
    json.key("Cluster");
    write_cluster(json, *context.store->cluster(), context, false);
    json.field_if("Warnings", swarm_warnings(context));
  });
}

// Docker's is a UUID that is made once; ours follows from what this node is.
std::string engine_id(const Context& context) {
  const std::string hex =
      to_hex(context.crypto.sha256(context.local.hostname + "\n" + context.local.data_root));
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20, 12);
}

std::vector<std::string> engine_labels(const LocalNode& local) {
  std::vector<std::string> out;
  for (const auto& [key, value] : local.engine_labels) out.push_back(key + "=" + value);
  return out;
}

void write_machine(Json& json, const LocalNode& local) {
  const model::NodeDescription& machine = local.description;
  json.field("Name", local.hostname)
      .field("KernelVersion", local.kernel_version)
      .field("OperatingSystem", local.operating_system)
      .field("OSVersion", local.os_version)
      .field("OSType", machine.platform.os.empty() ? std::string("linux") : machine.platform.os)
      .field("Architecture", machine.platform.architecture)
      .field("NCPU", machine.resources.nano_cpus / 1'000'000'000)
      .field("MemTotal", machine.resources.memory_bytes)
      .field("DockerRootDir", local.data_root)
      .field("Labels", engine_labels(local))
      .field("ServerVersion", machine.engine_version);
}

std::vector<std::string> plugins_of(const LocalNode& local, std::string_view type) {
  std::vector<std::string> names;
  for (const auto& plugin : local.description.plugins)
    if (plugin.type == type) names.push_back(plugin.name);
  return names;
}

void write_plugins(Json& json, const LocalNode& local) {
  json.object("Plugins", [&] {
    for (const char* type : {"Volume", "Network", "Log"}) json.field(type, plugins_of(local, type));
    json.null("Authorization");
  });
}

void write_runtimes(Json& json, const LocalNode& local) {
  const auto names = plugins_of(local, model::kRuntimePlugin);
  json.object("Runtimes", [&] {
    for (const std::string& name : names) json.object(name.c_str(), [&] { json.field("path", ""); });
  });
  json.field("DefaultRuntime", names.empty() ? std::string() : names.front());
}

// What a container engine would say; clients expect the keys.
void write_engine_facts(Json& json, const LocalNode& local) {
  json.field("Driver", "none").array("DriverStatus", [&] {
    if (!local.overlay_networks.empty())
      json.value(std::vector<std::string>{"Overlay Networks", local.overlay_networks});
  });
  write_plugins(json, local);
  json.field("LoggingDriver", "json-file").field("CgroupDriver", "none").field("CgroupVersion", "2");
  for (const char* limit : {"MemoryLimit", "SwapLimit", "CpuCfsPeriod", "CpuCfsQuota", "CPUShares", "CPUSet",
                            "PidsLimit", "OomKillDisable", "LiveRestoreEnabled", "Debug"})
    json.field(limit, false);
  json.field("IPv4Forwarding", true).field("ExperimentalBuild", false).field("IndexServerAddress", "");
  write_runtimes(json, local);
  json.field("InitBinary", "").field("Isolation", "");
  for (const char* commit : {"ContainerdCommit", "RuncCommit", "InitCommit"})
    json.object(commit, [&] { json.field("ID", ""); });
  json.array("SecurityOptions", [] {}).null("RegistryConfig").null("GenericResources");
  json.field("HttpProxy", "").field("HttpsProxy", "").field("NoProxy", "");
}

}  // namespace

void ping(Call& call) {
  call.replies.reply_text(call.id, 200, call.request.method == "HEAD" ? "" : "OK",
                          {{"Builder-Version", "1"},
                           {"Swarm", ping_word(call.context.local)},
                           {"Cache-Control", "no-cache, no-store, must-revalidate"},
                           {"Pragma", "no-cache"}});
}

void show_version(Call& call) {
  const model::NodeDescription& machine = call.context.local.description;
  const std::string started = to_rfc3339(call.context.local.started_at);
  Json json;
  json.object([&] {
    json.object("Platform", [&] { json.field("Name", "swarmpy"); });
    json.array("Components", [&] {
      json.object([&] {
        json.field("Name", "Engine").field("Version", machine.engine_version);
        json.object("Details", [&] {
          json.field("ApiVersion", "1.50").field("MinAPIVersion", "1.24").field("Os", "linux");
          json.field("Arch", "amd64")
              .field("GitCommit", "")
              .field("GoVersion", "")
              .field("BuildTime", started);
          json.field("KernelVersion", call.context.local.kernel_version).field("Experimental", "false");
        });
      });
    });
    json.field("Version", machine.engine_version).field("ApiVersion", "1.50").field("MinAPIVersion", "1.24");
    json.field("GitCommit", "").field("GoVersion", "").field("Os", "linux").field("Arch", "amd64");
    json.field("KernelVersion", call.context.local.kernel_version)
        .field("Experimental", false)
        .field("BuildTime", started);
  });
  call.reply(json.take());
}

void show_info(Call& call) {
  const Context& context = call.context;
  const ContainerCounts containers = count_containers(context);
  Json json;
  json.object([&] {
    json.field("ID", engine_id(context))
        .field("Containers", static_cast<std::uint64_t>(containers.all))
        .field("ContainersRunning", static_cast<std::uint64_t>(containers.running))
        .field("ContainersPaused", 0)
        .field("ContainersStopped", static_cast<std::uint64_t>(containers.all - containers.running))
        .field("Images", static_cast<std::uint64_t>(context.runner.images().size()))
        .field("SystemTime", context.wall)
        .field("NFd", 0)
        .field("NGoroutines", 0)
        .field("NEventsListener", 0);
    write_machine(json, context.local);
    write_engine_facts(json, context.local);
    write_swarm(json, context);
    json.field("Warnings", swarm_warnings(context));
  });
  call.reply(json.take());
}

void disk_usage(Call& call) {
  Json json;
  json.object([&] {
    json.field("LayersSize", 0);
    write_all_images(json, call.context);
    json.array("Containers", [&] {
      if (call.context.worker == nullptr) return;
      for (const auto& [id, local] : call.context.worker->tasks())
        if (is_container(local)) write_container(json, call.context, local);
    });
    for (const char* kind : {"Volumes", "BuildCache"}) json.array(kind, [] {});
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
