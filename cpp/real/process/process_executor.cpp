#include "real/process/process_executor.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "model/container_spec.hpp"
#include "model/kept_fields.hpp"
#include "model/service_spec.hpp"
#include "ports/runner.hpp"
#include "ports/runtimes.hpp"
#include "ports/task_environment.hpp"
#include "real/files.hpp"
#include "real/http/reactor.hpp"
#include "real/process/prepare_room.hpp"
#include "real/process/process_usage.hpp"
#include "real/process/spawn_shim.hpp"
#include "real/process/task_launch.hpp"
#include "real/runner/executor.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

Error system_error(const std::string& what = {}) {
  return plain_error(Code::internal, what + std::strerror(errno));
}

struct Channels {  // of one task: our ends, and those that the shim inherits
  Fd our_control, their_control, our_out, their_out, our_err, their_err, null, their_lock;
};

// Descriptors at or above 10, so that moving them to 0..4 in the child overwrites none of them.
Fd high(int fd) {
  Fd low(fd);
  return Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
}

Result<Channels> open_channels(int lock) {
  Channels all;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return system_error();
  all.our_control = Fd(ends[0]), all.their_control = high(ends[1]);
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error();
  all.our_out = Fd(ends[0]), all.their_out = high(ends[1]);
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error();
  all.our_err = Fd(ends[0]), all.their_err = high(ends[1]);
  all.null = high(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  all.their_lock = Fd(::fcntl(lock, F_DUPFD_CLOEXEC, 10));
  for (const Fd* fd : {&all.null, &all.their_out, &all.their_err, &all.their_control, &all.their_lock})
    if (!fd->valid()) return system_error();
  ::fcntl(all.our_control.get(), F_SETFL, ::fcntl(all.our_control.get(), F_GETFL) | O_NONBLOCK);
  return all;
}

}  // namespace

struct ProcessExecutor::Process {
  RunId run = 0;
  pid_t shim = 0, pid = 0;
  bool failed = false;  // to start
  std::optional<int> exit_code;
  std::optional<FdWatch> control, shim_end;
  std::string heard;  // from the shim, up to the next newline
};

MakeExecutor ProcessExecutor::maker(std::string shim, Hidden hidden) {
  return [shim = std::move(shim), hidden = std::move(hidden)](ExecutorTools tools) {
    return std::make_unique<ProcessExecutor>(std::move(tools), shim, hidden);
  };
}

ProcessExecutor::ProcessExecutor(ExecutorTools tools, std::string shim, Hidden hidden)
    : tools_(std::move(tools)), shim_(std::move(shim)), hidden_(std::move(hidden)) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a killed shim leaves behind: see kill_strays()
}

ProcessExecutor::~ProcessExecutor() {
  for (const auto& [_, process] : processes_) process->control.reset();
  for (const auto& [_, process] : processes_) ::waitpid(process->shim, nullptr, 0);
}

ProcessExecutor::Process* ProcessExecutor::find(RunId run) {
  const auto it = processes_.find(run);
  return it == processes_.end() ? nullptr : it->second.get();
}

// ---- before it runs

bool ProcessExecutor::takes(const ports::Launch& launch) const {
  return launch.runtime == ports::kContainerRuntime;
}

Result<void> ProcessExecutor::check(const Work& work) {
  const model::ContainerSpec& spec = *work.launch.container;
  // Which users an image of a user's own knows is the user's business.
  if (auto fine = work.users_own_image ? Result<void>() : check_user(spec.user); !fine) return fine;
  return check_mounts(spec.mounts);
}

// As in a container: a working directory that is not there is made.
Result<void> ProcessExecutor::prepare(const Work& work) {
  const std::string& directory = work.launch.container->dir;
  auto made = directory.empty() ? Result<void>() : make_directories(directory);
  if (made) return {};
  return plain_error(made.error().code,
                     "the working directory " + directory + " is not there: " + made.error().message);
}

// ---- start

Result<void> ProcessExecutor::prepare_network(const Work& work) const {
  const std::string hostname = ports::container_hostname(work.launch.container->hostname, work.container_id);
  return prepare_room({work.directory, work.network->resolv_conf, hosts_of(work.address, hostname),
                       hidden_.data_root, hidden_.sockets});
}

Result<Pipes> ProcessExecutor::start(const Work& work) {
  if (auto ready = work.network ? prepare_network(work) : Result<void>(); !ready) return ready.error();
  auto opened = open_channels(tools_.lock);
  if (!opened) return opened.error();
  Channels& to = *opened;
  const std::string& directory = work.launch.container->dir;
  auto process = std::make_unique<Process>();
  process->run = work.run;
  std::vector<int> fds{to.null.get(), to.their_out.get(), to.their_err.get(), to.their_control.get(),
                       to.their_lock.get()};
  const Fd space(work.network ? ::fcntl(work.network->space.get(), F_DUPFD_CLOEXEC, 10) : -1);
  if (work.network) fds.push_back(space.get());
  const int failed = spawn_shim(
      shim_, work.network ? work.directory : "", directory.empty() ? work.home() : directory, work.command,
      process_environment(work.launch, work.address, work.container_id, work.home()), fds, process->shim);
  if (failed == E2BIG)
    return plain_error(Code::invalid_argument,
                       "its arguments and its environment are longer together than this machine takes");
  if (failed != 0)
    return plain_error(Code::internal,
                       "the task's shim cannot be started: " + std::string(std::strerror(failed)));
  Fd shim_end(static_cast<int>(::syscall(SYS_pidfd_open, process->shim, 0)));
  if (!shim_end.valid()) {
    Error error = system_error("the task's shim cannot be watched: ");
    to.our_control.reset();  // its end kills the shim
    ::waitpid(process->shim, nullptr, 0);
    return error;
  }
  processes_.emplace(work.run, std::move(process));
  watch(work.run, std::move(to.our_control), std::move(shim_end));
  return Pipes{std::move(to.our_out), std::move(to.our_err)};
}

// The watches go with their process, and all processes with this executor.
void ProcessExecutor::watch(RunId run, Fd control, Fd shim_end) {
  Process& process = *find(run);
  process.control.emplace(tools_.reactor, control.release(), [this, run] { hear(run); });
  process.shim_end.emplace(tools_.reactor, shim_end.release(), [this, run] { on_shim_end(run); });
}

// ---- what the shim says

void ProcessExecutor::hear(RunId run) {
  Process& process = *find(run);
  SWARM_CHECK(process.control, "a shim without its line says something");
  char bytes[512];
  const auto count = ::read(process.control->fd(), bytes, sizeof bytes);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return process.control.reset();
  if (count < 0) return;
  process.heard.append(bytes, static_cast<std::size_t>(count));
  for (auto end = process.heard.find('\n'); end != std::string::npos; end = process.heard.find('\n')) {
    const std::string line = process.heard.substr(0, end);
    process.heard.erase(0, end + 1);
    on_line(process, line);
  }
}

void ProcessExecutor::on_line(Process& process, const std::string& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string word = line.substr(0, space), rest = line.substr(std::min(space + 1, line.size()));
  if (word == "started") {
    process.pid = static_cast<pid_t>(std::strtol(rest.c_str(), nullptr, 10));
    tools_.emit(Started{process.run, process.pid});
  } else if (word == "failed") {
    process.failed = true;
    tools_.emit(StartFailed{process.run, rest});
  } else if (word == "exited") {
    process.exit_code = static_cast<int>(std::strtol(rest.c_str(), nullptr, 10));
  }
}

// The shim ends last, when nothing of the task is left.
void ProcessExecutor::on_shim_end(RunId run) {
  if (find(run)->control) hear(run);
  const auto process = std::move(processes_.extract(run).mapped());
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(process->shim), &info, WEXITED);
  process->control.reset();
  if (!process->exit_code && !process->failed) {  // the shim was killed
    if (process->pid > 0) ::kill(-process->pid, SIGKILL);
    kill_strays();
  }
  if (process->pid == 0 && !process->failed) tools_.emit(StartFailed{run, "the task's shim died"});
  tools_.emit(Ended{run, process->exit_code.value_or(137)});
}

// What a killed shim left behind has become this process's own, since it is a reaper too; what that leaves
// behind comes in the next round.
void ProcessExecutor::kill_strays() const {
  const auto is_shim = [this](pid_t child) {
    return std::ranges::any_of(processes_, [child](const auto& one) { return one.second->shim == child; });
  };
  bool found = true;
  while (std::exchange(found, false)) {
    std::error_code ignored;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) {
        if (is_shim(child)) continue;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        found = true;
      }
    }
  }
}

// ---- while it runs

void ProcessExecutor::signal(RunId run, int number) {
  const Process* process = find(run);
  const auto byte = static_cast<unsigned char>(number);
  if (process != nullptr && process->control)
    ::send(process->control->fd(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void ProcessExecutor::kill(RunId run) {
  if (Process* process = find(run)) process->control.reset();  // its end kills all
}

std::optional<ports::Usage> ProcessExecutor::usage(RunId run) {
  const Process* process = find(run);
  return process != nullptr ? std::optional(usage_of_tree(process->shim)) : std::nullopt;
}

std::vector<std::string> ProcessExecutor::warnings(const model::ServiceSpec& spec,
                                                   const model::ServiceSpec* before) {
  std::vector<std::string> out;
  for (const std::string& words : model::newly_kept(spec, before))
    out.push_back("the process runner does not apply " + words + "; the field is kept");
  return out;
}

}  // namespace swarm::real
