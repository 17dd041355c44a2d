#include "real/process/process_usage.hpp"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "ports/runner.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

constexpr int kFirstTimeField = 11;  // after the name: utime, stime, cutime, cstime, as proc(5) counts

struct Ticks {
  std::int64_t user = 0, system = 0, children_user = 0, children_system = 0;
};

std::string proc_file(pid_t pid, const char* name) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/" + name);
  return text ? *text : std::string();
}

// A process's name may hold anything, a bracket too: what is wanted follows the last one.
Ticks ticks_of(pid_t pid) {
  const std::string stat = proc_file(pid, "stat");
  const auto bracket = stat.rfind(')');
  Ticks out;
  if (bracket == std::string::npos) return out;
  std::istringstream fields(stat.substr(bracket + 1));
  std::string skipped;
  for (int i = 0; i < kFirstTimeField; ++i) fields >> skipped;
  fields >> out.user >> out.system >> out.children_user >> out.children_system;
  return out;
}

std::int64_t resident_bytes(pid_t pid) {
  std::istringstream fields(proc_file(pid, "statm"));
  std::int64_t size = 0, resident = 0;
  fields >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  std::error_code gone;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    const auto text = read_file(thread.path() / "children");
    std::istringstream words(text ? *text : std::string());
    for (pid_t child = 0; words >> child;) out.push_back(child);
  }
  return out;
}

Duration of_ticks(std::int64_t ticks) {
  return Duration::nanos(ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK)));
}

}  // namespace

ports::Usage usage_of_tree(pid_t shim) {
  ports::Usage usage;
  // The times of processes that have ended are with the process that waited for them, at last the shim.
  Ticks own = ticks_of(shim);
  std::int64_t user = own.children_user, system = own.children_system;
  std::vector<pid_t> open = children_of(shim);
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    const Ticks ticks = ticks_of(pid);
    user += ticks.user + ticks.children_user;
    system += ticks.system + ticks.children_system;
    usage.memory_bytes += resident_bytes(pid);
    ++usage.processes;
    const std::vector<pid_t> children = children_of(pid);
    open.insert(open.end(), children.begin(), children.end());
  }
  usage.cpu_user = of_ticks(user);
  usage.cpu_system = of_ticks(system);
  return usage;
}

}  // namespace swarm::real
