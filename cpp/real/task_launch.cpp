#include "real/task_launch.hpp"

#include <cctype>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

#include "real/task_address.hpp"

namespace swarm::real {
namespace {

std::map<std::string, std::string> template_values(const ports::Launch& launch) {
  return {{".Service.ID", launch.service_id.str()},
          {".Service.Name", launch.service_name},
          {".Node.ID", launch.node_id.str()},
          {".Node.Hostname", launch.node_hostname},
          {".Task.ID", launch.task.str()},
          {".Task.Name", launch.name},
          {".Task.Slot", std::to_string(launch.slot)}};
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::string expand_template(const std::string& text, const ports::Launch& launch) {
  if (text.find("{{") == std::string::npos) return text;
  const auto values = template_values(launch);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto open = text.find("{{", at), close = text.find("}}", open);
    if (open == std::string::npos || close == std::string::npos) return out + text.substr(at);
    out += text.substr(at, open - at);
    const auto value = values.find(trimmed(std::string_view(text).substr(open + 2, close - open - 2)));
    out += value != values.end() ? value->second : text.substr(open, close + 2 - open);
    at = close + 2;
  }
  return out;
}

std::vector<std::string> task_environment(const ports::Launch& launch, const std::string& address,
                                          const std::string& directory) {
  const char* path = std::getenv("PATH");
  std::map<std::string, std::string> env;
  env["PATH"] = path != nullptr ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  env["HOME"] = directory;
  env["HOSTNAME"] = launch.container.hostname.empty() ? launch.task.str().substr(0, 12)
                                                      : expand_template(launch.container.hostname, launch);
  env["SWARM_TASK_IP"] = address;
  for (const std::uint32_t port : launch.target_ports)
    env["SWARM_PORT_" + std::to_string(port)] = std::to_string(bindable_port(port));
  env["SWARM_TASK_ID"] = launch.task.str();
  env["SWARM_TASK_NAME"] = launch.name;
  env["SWARM_TASK_SLOT"] = std::to_string(launch.slot);
  env["SWARM_SERVICE_ID"] = launch.service_id.str();
  env["SWARM_SERVICE_NAME"] = launch.service_name;
  env["SWARM_NODE_ID"] = launch.node_id.str();
  env["SWARM_NODE_HOSTNAME"] = launch.node_hostname;
  env["SWARM_IMAGE"] = launch.container.image;
  for (const std::string& setting : launch.container.env) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      env.erase(setting);  // Docker: a name without a value takes the variable away
    } else {
      env[setting.substr(0, equals)] = expand_template(setting.substr(equals + 1), launch);
    }
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : env) out.push_back(name + "=" + value);
  return out;
}

int signal_number(const std::string& word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc() && end == word.data() + word.size()) return number > 0 && number < 65 ? number : 0;
  std::string name;
  for (const char c : word) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int candidate = 1; candidate < 32; ++candidate)
    if (const char* known = ::sigabbrev_np(candidate); known != nullptr && name == known) return candidate;
  return 0;
}

std::vector<std::string> process_runner_warnings(const model::TaskSpec& spec) {
  std::vector<std::string> out;
  const auto say = [&out](bool given, const char* what) {
    if (given)
      out.push_back(std::string("the process runner does not apply ") + what + "; the field is kept");
  };
  if (spec.resources && spec.resources->limits) {
    say(spec.resources->limits->memory_bytes != 0, "memory limits");
    say(spec.resources->limits->nano_cpus != 0, "CPU limits");
    say(spec.resources->limits->pids != 0, "limits of processes");
  }
  say(spec.log_driver && !spec.log_driver->name.empty() && spec.log_driver->name != "json-file",
      "log drivers");
  if (!spec.container) return out;
  const model::ContainerSpec& c = *spec.container;
  say(!c.mounts.empty(), "mounts");
  say(!c.user.empty() || !c.groups.empty(), "users and groups");
  say(c.read_only, "read-only root file systems");
  say(c.tty || c.open_stdin, "terminals and standard input");
  say(c.healthcheck && !c.healthcheck->test.empty() && c.healthcheck->test.front() != "NONE",
      "health checks");
  say(!c.secrets.empty(), "secrets");
  say(!c.configs.empty(), "configs");
  say(c.privileges.has_value(), "privileges");
  say(!c.capability_add.empty() || !c.capability_drop.empty(), "capabilities");
  say(!c.sysctls.empty(), "sysctls");
  say(!c.ulimits.empty(), "ulimits");
  say(!c.hosts.empty(), "extra hosts");
  say(c.dns_config && *c.dns_config != model::DnsConfig{}, "DNS settings");
  say(c.oom_score_adj != 0, "OOM scores");
  return out;
}

}  // namespace swarm::real
