#include "real/process/task_launch.hpp"

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/builtin_images.hpp"
#include "model/container_spec.hpp"
#include "ports/runner.hpp"
#include "ports/task_environment.hpp"
#include "real/files.hpp"
#include "real/runner/program.hpp"
#include "real/runner/task_address.hpp"

namespace swarm::real {
namespace {

// The first column of /etc/passwd and /etc/group.
bool is_listed(const char* file, const std::string& name) {
  const auto text = read_file(file);
  std::istringstream lines(text ? *text : std::string());
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":")) return true;
  return false;
}

Error not_found(const char* what, const std::string& name, const char* file) {
  return plain_error(Code::not_found, std::string("unable to find ") + what + " " + name +
                                          ": no matching entries in " + file + " file");
}

}  // namespace

std::vector<std::string> process_environment(const ports::Launch& launch, const std::string& address,
                                             const std::string& container_id, const std::string& directory) {
  ports::Environment given{{"PATH", program_path()}, {"HOME", directory}};
  if (!launch.overlay_address.empty()) given["SWARM_TASK_BIND"] = "0.0.0.0";
  for (const std::uint32_t port : launch.target_ports)
    given["SWARM_PORT_" + std::to_string(port)] = std::to_string(bindable_port(port));
  std::vector<std::string> out;
  for (const auto& [name, value] : ports::task_environment(launch, address, container_id, std::move(given)))
    out.push_back(name + "=" + value);
  return out;
}

// moby daemon/oci_linux.go, getUser.
Result<void> check_user(const std::string& user) {
  const auto colon = user.find(':');
  const std::string name = user.substr(0, colon);
  if (!name.empty() && !model::is_builtin_user(name) && !is_listed("/etc/passwd", name))
    return not_found("user", name, "passwd");
  const std::string group = colon == std::string::npos ? "" : user.substr(colon + 1);
  if (!group.empty() && !model::is_builtin_user(group) && !is_listed("/etc/group", group))
    return not_found("group", group, "group");
  return {};
}

Result<void> check_mounts(const std::vector<model::Mount>& mounts) {
  for (const model::Mount& mount : mounts) {
    const bool made = mount.bind_options && mount.bind_options->create_mountpoint;
    if (mount.type == "bind" && !made && !exists(mount.source))
      return plain_error(
          Code::invalid_argument,
          "invalid mount config for type \"bind\": bind source path does not exist: " + mount.source);
  }
  return {};
}

}  // namespace swarm::real
