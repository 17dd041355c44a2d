#include "docker/routes.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/handlers.hpp"
#include "docker/url.hpp"

namespace swarm::docker {
namespace {

constexpr Scope kHere = Scope::local, kRead = Scope::swarm_read, kWrite = Scope::swarm_write;
constexpr Needs kAny = Needs::nothing, kManager = Needs::manager;

constexpr const char* kTaskContainer =
    "containers of this engine belong to the tasks of a swarm: create, scale or update a service instead";
constexpr const char* kNoExec =
    "this engine's runner runs processes, not containers: exec and attach are not there yet";
constexpr const char* kNoRegistry =
    "this engine's runner runs no container images: an image is a named command. See `swarmpy image add` and "
    "`swarmpy image ls`";
constexpr const char* kNoConnect =
    "the networks of a task come from its service: use `docker service update --network-add` or "
    "`--network-rm`";
constexpr const char* kNoSecrets = "secrets are not there yet";
constexpr const char* kNoConfigs = "configs are not there yet";
constexpr const char* kNoVolumes = "volumes are not there yet";
constexpr const char* kNoPlugins = "plugins are not there yet";
constexpr const char* kNoBuild = "this engine builds no images";

constexpr Route kRoutes[] = {
    // ---- the engine
    {"HEAD", "_ping", kHere, kAny, ping},
    {"GET", "_ping", kHere, kAny, ping},
    {"GET", "version", kHere, kAny, show_version},
    {"GET", "info", kHere, kAny, show_info},
    {"GET", "events", kHere, kAny, stream_events},
    {"GET", "system/df", kHere, kAny, disk_usage},
    {"POST", "auth", kHere, kAny, nullptr, kNoRegistry},

    // ---- the swarm
    {"GET", "swarm", kRead, kManager, show_swarm},
    {"GET", "swarm/unlockkey", kRead, kManager, show_unlock_key},
    {"POST", "swarm/init", kHere, kAny, init_swarm},
    {"POST", "swarm/join", kHere, kAny, join_swarm},
    {"POST", "swarm/leave", kHere, kAny, leave_swarm},
    {"POST", "swarm/unlock", kHere, kAny, unlock_swarm},
    {"POST", "swarm/update", kWrite, kManager, update_swarm},

    {"GET", "nodes", kRead, kManager, list_nodes},
    {"GET", "nodes/*", kRead, kManager, show_node},
    {"POST", "nodes/*/update", kWrite, kManager, update_node},
    {"DELETE", "nodes/*", kWrite, kManager, remove_node},

    {"GET", "services", kRead, kManager, list_services},
    {"POST", "services/create", kWrite, kManager, create_service},
    {"GET", "services/*", kRead, kManager, show_service},
    {"POST", "services/*/update", kWrite, kManager, update_service},
    {"DELETE", "services/*", kWrite, kManager, remove_service},
    {"GET", "services/*/logs", kRead, kManager, service_logs},

    {"GET", "tasks", kRead, kManager, list_tasks},
    {"GET", "tasks/*", kRead, kManager, show_task},
    {"GET", "tasks/*/logs", kRead, kManager, task_logs},

    // A node's own are among them: any node answers, a manager for the swarm.
    {"GET", "networks", kRead, kAny, list_networks},
    {"POST", "networks/create", kWrite, kManager, create_network},
    {"POST", "networks/prune", kWrite, kAny, prune_networks},
    {"GET", "networks/*", kRead, kAny, show_network},
    {"DELETE", "networks/*", kWrite, kAny, remove_network},
    {"POST", "networks/*/connect", kHere, kAny, nullptr, kNoConnect},
    {"POST", "networks/*/disconnect", kHere, kAny, nullptr, kNoConnect},

    {"GET", "secrets", kRead, kManager, empty_list},
    {"POST", "secrets/create", kHere, kManager, nullptr, kNoSecrets},
    {"GET", "secrets/*", kRead, kManager, no_secret},
    {"DELETE", "secrets/*", kRead, kManager, no_secret},
    {"POST", "secrets/*/update", kRead, kManager, no_secret},
    {"GET", "configs", kRead, kManager, empty_list},
    {"POST", "configs/create", kHere, kManager, nullptr, kNoConfigs},
    {"GET", "configs/*", kRead, kManager, no_config},
    {"DELETE", "configs/*", kRead, kManager, no_config},
    {"POST", "configs/*/update", kRead, kManager, no_config},

    // ---- this node's containers
    {"GET", "containers/json", kHere, kAny, list_containers},
    {"POST", "containers/create", kHere, kAny, nullptr, kTaskContainer},
    {"POST", "containers/prune", kHere, kAny, prune_containers},
    {"GET", "containers/*/json", kHere, kAny, show_container},
    {"GET", "containers/*/logs", kHere, kAny, container_logs},
    {"POST", "containers/*/kill", kHere, kAny, kill_container},
    {"POST", "containers/*/stop", kHere, kAny, stop_container},
    {"POST", "containers/*/start", kHere, kAny, start_container},
    {"POST", "containers/*/wait", kHere, kAny, wait_container},
    {"DELETE", "containers/*", kHere, kAny, remove_container},
    {"POST", "containers/*/restart", kHere, kAny, nullptr, kTaskContainer},
    {"POST", "containers/*/rename", kHere, kAny, nullptr, kTaskContainer},
    {"POST", "containers/*/update", kHere, kAny, nullptr, kTaskContainer},
    {"POST", "containers/*/pause", kHere, kAny, nullptr, "pausing a task's processes is not there yet"},
    {"POST", "containers/*/unpause", kHere, kAny, nullptr, "pausing a task's processes is not there yet"},
    {"GET", "containers/*/top", kHere, kAny, nullptr, "listing a task's processes is not there yet"},
    {"GET", "containers/*/stats", kHere, kAny, show_stats},
    {"GET", "containers/*/changes", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "containers/*/export", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "containers/*/archive", kHere, kAny, nullptr, kNoExec},
    {"HEAD", "containers/*/archive", kHere, kAny, nullptr, kNoExec},
    {"PUT", "containers/*/archive", kHere, kAny, nullptr, kNoExec},
    {"POST", "containers/*/exec", kHere, kAny, nullptr, kNoExec},
    {"POST", "containers/*/attach", kHere, kAny, nullptr, kNoExec},
    {"GET", "containers/*/attach/ws", kHere, kAny, nullptr, kNoExec},
    {"POST", "containers/*/resize", kHere, kAny, nullptr, kNoExec},
    {"POST", "exec/*/start", kHere, kAny, no_such_exec},
    {"POST", "exec/*/resize", kHere, kAny, no_such_exec},
    {"GET", "exec/*/json", kHere, kAny, no_such_exec},
    {"POST", "commit", kHere, kAny, nullptr, kNoRegistry},

    // ---- images, volumes, plugins
    {"GET", "images/json", kHere, kAny, list_images},
    {"POST", "images/create", kHere, kAny, nullptr, kNoRegistry},
    {"POST", "images/load", kHere, kAny, nullptr, kNoRegistry},
    {"POST", "images/prune", kHere, kAny, prune_images},
    {"GET", "images/get", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "images/search", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "images/**/json", kHere, kAny, show_image},
    {"GET", "images/**/history", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "images/**/get", kHere, kAny, nullptr, kNoRegistry},
    {"POST", "images/**/push", kHere, kAny, nullptr, kNoRegistry},
    {"POST", "images/**/tag", kHere, kAny, nullptr, kNoRegistry},
    {"DELETE", "images/**", kHere, kAny, nullptr, kNoRegistry},
    {"GET", "distribution/**/json", kHere, kAny, show_distribution},
    {"GET", "volumes", kHere, kAny, list_volumes},
    {"POST", "volumes/create", kHere, kAny, nullptr, kNoVolumes},
    {"POST", "volumes/prune", kHere, kAny, prune_volumes},
    {"GET", "volumes/*", kHere, kAny, no_volume},
    {"PUT", "volumes/*", kHere, kAny, no_volume},
    {"DELETE", "volumes/*", kHere, kAny, no_volume},
    {"GET", "plugins", kHere, kAny, empty_list},
    {"GET", "plugins/privileges", kHere, kAny, nullptr, kNoPlugins},
    {"POST", "plugins/pull", kHere, kAny, nullptr, kNoPlugins},
    {"POST", "plugins/create", kHere, kAny, nullptr, kNoPlugins},
    {"GET", "plugins/**/json", kHere, kAny, no_plugin},
    {"POST", "plugins/**/enable", kHere, kAny, no_plugin},
    {"POST", "plugins/**/disable", kHere, kAny, no_plugin},
    {"DELETE", "plugins/**", kHere, kAny, no_plugin},
    {"POST", "build", kHere, kAny, nullptr, kNoBuild},
    {"POST", "build/cancel", kHere, kAny, nullptr, kNoBuild},
    {"POST", "build/prune", kHere, kAny, prune_builds},
    {"POST", "session", kHere, kAny, nullptr, kNoBuild},
    {"POST", "grpc", kHere, kAny, nullptr, kNoBuild},

    // ---- what only swarmpy has
    {"GET", "swarmpy/v1/images", kHere, kAny, list_catalogue},
    {"POST", "swarmpy/v1/images", kHere, kAny, add_to_catalogue},
    {"GET", "metrics", kHere, kAny, show_metrics},
    {"GET", "swarmpy/v1/raft", kHere, kManager, show_raft},
    {"GET", "swarmpy/v1/raft/log", kHere, kManager, show_raft_log},
    {"GET", "swarmpy/v1/raft/events", kHere, kManager, raft_events},
    {"POST", "swarmpy/v1/raft/transfer", kWrite, kManager, transfer_leadership},
    {"GET", "swarmpy/v1/feature-level", kRead, kManager, show_feature_level},
    {"GET", "swarmpy/v1/services/*/history", kRead, kManager, service_history},
    {"GET", "swarmpy/v1/kv", kRead, kManager, list_keys},
    {"GET", "swarmpy/v1/kv/*", kRead, kManager, show_key},
    {"PUT", "swarmpy/v1/kv/*", kWrite, kManager, put_key},
    {"DELETE", "swarmpy/v1/kv/*", kWrite, kManager, delete_key},
    {"POST", "swarmpy/v1/kv/*/cas", kWrite, kManager, swap_key},
    {"GET", "swarmpy/v1/events", kHere, kAny, stream_all_events},
    {"GET", "swarmpy/v1/changes", kHere, kManager, show_changes},
};

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

struct Pattern {
  const Route* route;
  std::vector<std::string_view> segments;
};

const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> kPatterns = [] {
    std::vector<Pattern> out;
    for (const Route& route : kRoutes) out.push_back({&route, split(route.path)});
    return out;
  }();
  return kPatterns;
}

// What `*` or `**` stands for; "" for a path without either; nothing when the path does not fit.
std::optional<std::string> match(const std::vector<std::string_view>& pattern,
                                 const std::vector<std::string>& path) {
  std::string name;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::size_t rest = pattern.size() - i - 1;
    if (at >= path.size()) return std::nullopt;
    if (pattern[i] == "*") {
      name = path[at++];
    } else if (pattern[i] == "**") {
      if (path.size() < at + rest + 1) return std::nullopt;
      for (const std::size_t end = path.size() - rest; at < end; ++at)
        name += (name.empty() ? "" : "/") + path[at];
    } else if (pattern[i] != path[at++]) {
      return std::nullopt;
    }
  }
  return at == path.size() ? std::optional(name) : std::nullopt;
}

}  // namespace

bool is_own_without_leader(const Routed& what) {
  if (what.route == nullptr) return false;
  const Handler handler = what.route->handler;
  return handler == show_unlock_key || handler == list_networks || handler == show_network;
}

Match find_route(const std::string& method, const Target& target) {
  for (const Pattern& pattern : patterns()) {
    if (method != pattern.route->method) continue;
    if (auto name = match(pattern.segments, target.segments)) return {pattern.route, std::move(*name)};
  }
  return {};
}

}  // namespace swarm::docker
