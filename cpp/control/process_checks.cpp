#include "control/process_checks.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/container_spec.hpp"
#include "model/signal.hpp"

namespace swarm::control {
namespace {

using Check = Result<void>;

constexpr std::size_t kMaxHostname = 64;  // Linux' HOST_NAME_MAX
constexpr std::size_t kMaxPath = 4'095;   // Linux' PATH_MAX, less its end
constexpr std::size_t kPointer = 8;       // the kernel counts one per text

Error invalid(std::string text, std::string hint = {}) {
  Error error = rpc_error(Code::invalid_argument, std::move(text));
  error.hint = std::move(hint);
  return error;
}

bool is_absolute(std::string_view path) { return path.starts_with('/'); }

Check check_text(const std::string& what, std::string_view text, std::size_t limit = kMaxProcessText) {
  if (text.find('\0') != std::string_view::npos)
    return invalid("ContainerSpec: " + what +
                   " has a NUL character in it: for a process the text would end there");
  if (text.size() <= limit) return {};
  return invalid("ContainerSpec: " + what + " is " + std::to_string(text.size()) +
                     " bytes long: the kernel takes " + std::to_string(limit) + " at most",
                 "Put it into a file, and give the task the file's name.");
}

Check check_words(const std::string& what, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i)
    if (const auto fine = check_text(what + " " + std::to_string(i + 1), words[i]); !fine) return fine;
  return {};
}

Check check_env(const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const std::string name = setting.substr(0, setting.find('='));
    if (name.empty())
      return invalid("invalid environment variable: " + setting, "A variable needs a name: NAME=value.");
    if (const auto fine = check_text("the environment variable " + name.substr(0, 64), setting); !fine)
      return fine;
  }
  return {};
}

Check check_total(const model::ContainerSpec& container) {
  std::size_t total = 0;
  for (const auto* list : {&container.command, &container.args, &container.env})
    for (const std::string& text : *list) total += text.size() + 1 + kPointer;
  if (total <= kMaxProcessTexts) return {};
  return invalid("ContainerSpec: the command, its arguments and the environment are " +
                     std::to_string(total) + " bytes long together: the kernel takes " +
                     std::to_string(kMaxProcessTexts) + " at most",
                 "Put long ones into files.");
}

// moby daemon/cluster/executor/container/validate.go, with its texts.
Check check_mount(const model::Mount& mount) {
  for (const std::string& path : {mount.source, mount.target})
    if (const auto fine = check_text("a mount's path", path, kMaxPath); !fine) return fine;
  if (!is_absolute(mount.target) && mount.type != "npipe")
    return invalid("invalid mount target, must be an absolute path: " + mount.target);
  if (mount.type == "bind" && !is_absolute(mount.source))
    return invalid("invalid bind mount source, must be an absolute path: " + mount.source);
  if (mount.type == "volume" && is_absolute(mount.source))
    return invalid("invalid volume mount source, must not be an absolute path: " + mount.source);
  if (mount.type == "tmpfs" && !mount.source.empty())
    return invalid("invalid tmpfs source, source must be empty");
  return {};
}

Check check_places(const model::ContainerSpec& container) {
  if (const auto fine = check_text("the hostname", container.hostname, kMaxHostname); !fine) return fine;
  if (const auto fine = check_text("the working directory", container.dir, kMaxPath); !fine) return fine;
  if (!container.dir.empty() && !is_absolute(container.dir))
    return invalid("the working directory '" + container.dir +
                   "' is invalid, it needs to be an absolute path");
  for (const model::Mount& mount : container.mounts)
    if (const auto fine = check_mount(mount); !fine) return fine;
  return check_text("the user", container.user, kMaxPath);
}

}  // namespace

Result<void> check_process(const model::ContainerSpec& container) {
  if (!container.stop_signal.empty() && !model::parse_signal(container.stop_signal))
    return invalid("invalid signal: " + container.stop_signal,
                   "Say its name, as SIGTERM, or its number, 1 to 64.");
  if (const auto fine = check_words("command word", container.command); !fine) return fine;
  if (const auto fine = check_words("argument", container.args); !fine) return fine;
  if (const auto fine = check_env(container.env); !fine) return fine;
  if (const auto fine = check_places(container); !fine) return fine;
  return check_total(container);
}

}  // namespace swarm::control
