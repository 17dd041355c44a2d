#include "real/task_launch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "model/builtin_images.hpp"
#include "ports/task_environment.hpp"
#include "real/files.hpp"
#include "real/task_address.hpp"

namespace swarm::real {
namespace {

constexpr const char* kUsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string path_of_daemon() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : kUsualPath;
}

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

bool can_run(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::vector<std::string> process_environment(const ports::Launch& launch, const std::string& address,
                                             const std::string& container_id, const std::string& directory) {
  ports::Environment given{{"PATH", path_of_daemon()}, {"HOME", directory}};
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

Result<void> check_program(const std::string& program) {
  const auto refused = [&program](const char* why, const char* hint) {
    Error error = plain_error(Code::invalid_argument, "exec: \"" + program + "\": " + why);
    error.hint = hint;
    return error;
  };
  if (program.find('/') != std::string::npos) {
    if (!program.starts_with('/')) return refused("a path that begins nowhere", "Give its full path.");
    if (!exists(program)) return refused("no such file or directory", "Give the path of a program.");
    return can_run(program) ? Result<void>() : refused("permission denied", "Make it executable: chmod +x.");
  }
  std::istringstream places(path_of_daemon());
  for (std::string place; std::getline(places, place, ':');)
    if (!place.empty() && can_run(place + "/" + program)) return {};
  return refused("executable file not found in $PATH", "Install it, or give its full path.");
}

}  // namespace swarm::real
