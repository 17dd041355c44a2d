#include "real/process_runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "model/builtin_images.hpp"
#include "model/kept_fields.hpp"
#include "model/signal.hpp"
#include "real/files.hpp"
#include "real/image_catalogue.hpp"
#include "real/process_usage.hpp"
#include "real/task_address.hpp"
#include "real/task_launch.hpp"
#include "real/task_log.hpp"
#include "real/task_shim.hpp"

namespace swarm::real {
namespace {

constexpr Duration kEarlierTasks = Duration::seconds(10);
constexpr std::size_t kLinesPerEvent = 1'000;
// What tasks say is taken at this pace, all together: one that floods its log waits in its write(), and
// starves neither the node nor the links that carry its lines.
constexpr std::int64_t kOutputPerTick = 192L * 1024;
constexpr std::int64_t kCostOfALine = 16;
constexpr Duration kOutputTick = Duration::millis(10);
constexpr const char* kNotRunning = "no such process";

enum class Stage : std::uint8_t { prepared, starting, running, exited };

std::string random_container_id() {
  std::string raw(32, '\0');
  [[maybe_unused]] const auto drawn = ::getrandom(raw.data(), raw.size(), 0);
  return to_hex(raw);
}

// The lock is held by this daemon and, inherited, by every shim: it is free once all of an earlier run are
// gone.
Result<Fd> wait_for_earlier_tasks(const std::string& path) {
  const Instant give_up = steady_now() + kEarlierTasks;
  while (true) {
    auto lock = lock_file(path);
    if (!lock || lock->valid()) return lock;
    if (steady_now() > give_up)
      return plain_error(Code::failed_precondition,
                         "tasks of an earlier swarmd on this data root still die (" + path +
                             " is locked); try again in a moment");
    ::poll(nullptr, 0, 2);
  }
}

struct Output {  // one of a task's pipes
  std::optional<FdWatch> watch;
  LineSplitter lines;
};

struct Process {
  ports::Launch launch;
  std::vector<std::string> command;
  std::string directory;
  std::string container_id = random_container_id();
  std::optional<TaskAddress> address;
  Stage stage = Stage::prepared;
  bool removed = false;  // the files go once the processes have
  bool told_exit = false;
  struct Stop {
    Duration grace;
    int signal = 0;
  };
  std::optional<Stop> stop_when_started;
  pid_t shim = 0, pid = 0;
  std::optional<int> exit_code;
  std::optional<FdWatch> control, shim_end;
  Output out, err;
  std::string heard;  // from the shim, up to the next newline
  std::optional<Timer> grace;
  TaskLogFile log;
};

// Descriptors at or above 10, so that moving them to 0..4 in the child overwrites none of them.
Fd high(int fd) {
  Fd low(fd);
  return Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// posix_spawn shares memory until exec: no copy of a large daemon's page tables, and no allocation in
// between.
int spawn_shim(const std::string& program, std::vector<std::string> arguments,
               std::vector<std::string> environment, const int (&fds)[5], pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int target = 0; target < 5; ++target) posix_spawn_file_actions_adddup2(&actions, fds[target], target);
  posix_spawn_file_actions_addclosefrom_np(&actions, 5);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

}  // namespace

struct ProcessRunner::Impl : std::enable_shared_from_this<ProcessRunner::Impl> {
  Impl(Reactor& the_reactor, Options the_options, Emit the_emit, Fd run_lock, ImageCatalogue images)
      : reactor(the_reactor),
        options(std::move(the_options)),
        emit(std::move(the_emit)),
        lock(std::move(run_lock)),
        catalogue(std::move(images)),
        addresses(options.node_name) {}

  std::string directory_of(TaskId task) const { return options.data_root + "/tasks/" + task.str(); }
  Process* find(TaskId task) {
    const auto it = processes.find(task);
    return it == processes.end() ? nullptr : it->second.get();
  }
  void schedule_chores();
  void do_one_chore();
  void remove_directory(const std::string& directory) {
    to_remove.push_back(directory);
    schedule_chores();
  }
  void spend(std::size_t bytes, std::size_t lines);
  void refill();
  std::string prepare(Process& process);
  void spawn(TaskId task);
  std::string spawn(const std::shared_ptr<Process>& process);
  void watch(const std::shared_ptr<Process>& process, int control, int out, int err, int shim_end);
  void hear(const std::shared_ptr<Process>& process);
  void on_line(const std::shared_ptr<Process>& process, const std::string& line);
  void on_started(const std::shared_ptr<Process>& process);
  void on_start_failed(Process& process, const std::string& why);
  void read_output(const std::shared_ptr<Process>& process, bool err, bool to_the_end);
  void take_lines(Process& process, bool err, std::vector<std::string> texts);
  void on_shim_end(const std::shared_ptr<Process>& process);
  void kill_strays();
  void stop(const std::shared_ptr<Process>& process, Duration grace, int signal);
  static void send_signal(Process& process, int number);
  void send_lines(ports::LogStreamId stream, std::vector<wire::LogLine> lines, bool end,
                  const std::string& error);
  std::string lost_output(TaskId task);
  void end_streams(TaskId task);

  struct Stream {
    TaskId task;
    wire::LogOptions options;
  };

  Reactor& reactor;
  Options options;
  Emit emit;
  Fd lock;
  ImageCatalogue catalogue;
  TaskAddresses addresses;
  std::deque<TaskId> to_spawn;
  std::deque<std::string> to_remove;  // directories
  std::int64_t output_left = kOutputPerTick;
  std::optional<Timer> output_tick;
  std::vector<std::pair<std::weak_ptr<Process>, bool>> too_talkative;  // process, of its errors
  bool chores_scheduled = false;
  std::map<TaskId, std::shared_ptr<Process>> processes;
  std::map<pid_t, std::shared_ptr<Process>> shims;
  std::map<ports::LogStreamId, Stream> streams;
  ports::LogStreamId last_stream = 0;
};

// ---- chores: what takes a millisecond and comes by the hundred. One per round of the reactor, so that
// heartbeats go between.

void ProcessRunner::Impl::schedule_chores() {
  if (std::exchange(chores_scheduled, true)) return;
  reactor.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->do_one_chore();
  });
}

void ProcessRunner::Impl::do_one_chore() {
  chores_scheduled = false;
  if (!to_spawn.empty()) {
    const TaskId task = to_spawn.front();
    to_spawn.pop_front();
    spawn(task);
  } else if (!to_remove.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(to_remove.front(), ignored);
    to_remove.pop_front();
  }
  if (!to_spawn.empty() || !to_remove.empty()) schedule_chores();
}

// ---- prepare

std::string ProcessRunner::Impl::prepare(Process& process) {
  const model::ContainerSpec& spec = process.launch.container;
  auto command = catalogue.command_of(spec);
  if (!command) return "No such image: " + model::normal_reference(spec.image);
  process.command = std::move(*command);
  // Whom an image of a user's own knows is the user's business.
  const bool any_user = catalogue.is_users_own(spec.image);
  if (auto fine = any_user ? Result<void>() : check_user(spec.user); !fine) return fine.error().message;
  if (auto fine = check_mounts(spec.mounts); !fine) return fine.error().message;
  if (const std::uint32_t port = catalogue.own_port(spec.image); port != 0)
    process.launch.target_ports.push_back(port);
  if (auto made = make_directories(process.directory + "/work"); !made) return made.error().message;
  // As in a container: what is not there is made.
  if (auto made = spec.dir.empty() ? Result<void>() : make_directories(spec.dir); !made)
    return "the working directory " + spec.dir + " is not there: " + made.error().message;
  process.log = TaskLogFile(process.directory + "/log");
  process.address = addresses.take();
  return process.address ? "" : "no address is free in 127.0.0.0/8";
}

void ProcessRunner::prepare(const ports::Launch& launch) {
  auto process = std::make_shared<Process>();
  process->launch = launch;
  process->directory = impl_->directory_of(launch.task);
  const std::string error = impl_->prepare(*process);
  if (error.empty()) impl_->processes[launch.task] = process;
  impl_->emit(ports::TaskPrepared{launch.task, error});
}

// ---- start

void ProcessRunner::start(TaskId task) {
  Process* process = impl_->find(task);
  if (process == nullptr || process->stage != Stage::prepared)
    return impl_->emit(ports::TaskStarted{task, "the task is not prepared", {}, 0, {}});
  process->stage = Stage::starting;
  impl_->to_spawn.push_back(task);
  impl_->schedule_chores();
}

void ProcessRunner::Impl::spawn(TaskId task) {
  const auto it = processes.find(task);
  if (it == processes.end() || it->second->stage != Stage::starting) return;
  const auto process = it->second;
  if (const std::string error = spawn(process); !error.empty()) on_start_failed(*process, error);
}

std::string ProcessRunner::Impl::spawn(const std::shared_ptr<Process>& process) {
  int control[2], out[2], err[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0) return std::strerror(errno);
  Fd our_control(control[0]), their_control = high(control[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return std::strerror(errno);
  Fd our_out(out[0]), their_out = high(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) return std::strerror(errno);
  Fd our_err(err[0]), their_err = high(err[1]);
  const Fd null = high(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd their_lock(::fcntl(lock.get(), F_DUPFD_CLOEXEC, 10));
  const Fd* const all[] = {&null, &their_out, &their_err, &their_control, &their_lock};
  for (const Fd* fd : all)
    if (!fd->valid()) return std::strerror(errno);

  const auto& spec = process->launch.container;
  const std::string work = process->directory + "/work";
  std::vector<std::string> arguments{"swarm-shim", kShimFlag, spec.dir.empty() ? work : spec.dir};
  for (const std::string& word : process->command) arguments.push_back(word);
  const int fds[5] = {null.get(), their_out.get(), their_err.get(), their_control.get(), their_lock.get()};
  const int failed = spawn_shim(
      options.shim, std::move(arguments),
      process_environment(process->launch, process->address->address.host(), process->container_id, work),
      fds, process->shim);
  if (failed == E2BIG) return "its arguments and its environment are longer together than this machine takes";
  if (failed != 0) return "the task's shim cannot be started: " + std::string(std::strerror(failed));
  for (const int fd : {our_control.get(), our_out.get(), our_err.get()})
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  Fd shim_end(static_cast<int>(::syscall(SYS_pidfd_open, process->shim, 0)));
  if (!shim_end.valid()) {
    const std::string why = std::strerror(errno);
    our_control.reset();  // its end kills the shim
    ::waitpid(process->shim, nullptr, 0);
    return "the task's shim cannot be watched: " + why;
  }
  watch(process, our_control.release(), our_out.release(), our_err.release(), shim_end.release());
  return {};
}

// The callbacks hold their process weakly: it owns the watches that own them.
void ProcessRunner::Impl::watch(const std::shared_ptr<Process>& process, int control, int out, int err,
                                int shim_end) {
  const auto with = [this, weak = std::weak_ptr(process)](auto call) {
    return [self = weak_from_this(), weak, call] {
      const auto impl = self.lock();
      const auto its_process = weak.lock();
      if (impl && its_process) call(*impl, its_process);
    };
  };
  shims[process->shim] = process;
  process->control.emplace(reactor, control, with([](Impl& impl, const auto& it) { impl.hear(it); }));
  process->out.watch.emplace(reactor, out,
                             with([](Impl& impl, const auto& it) { impl.read_output(it, false, false); }));
  process->err.watch.emplace(reactor, err,
                             with([](Impl& impl, const auto& it) { impl.read_output(it, true, false); }));
  process->shim_end.emplace(reactor, shim_end,
                            with([](Impl& impl, const auto& it) { impl.on_shim_end(it); }));
}

void ProcessRunner::Impl::hear(const std::shared_ptr<Process>& process) {
  char bytes[512];
  const auto count = ::read(process->control->fd(), bytes, sizeof bytes);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return process->control.reset();
  if (count < 0) return;
  process->heard.append(bytes, static_cast<std::size_t>(count));
  for (auto end = process->heard.find('\n'); end != std::string::npos; end = process->heard.find('\n')) {
    const std::string line = process->heard.substr(0, end);
    process->heard.erase(0, end + 1);
    on_line(process, line);
  }
}

void ProcessRunner::Impl::on_line(const std::shared_ptr<Process>& process, const std::string& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string word = line.substr(0, space), rest = line.substr(std::min(space + 1, line.size()));
  if (word == "started") {
    process->pid = static_cast<pid_t>(std::strtol(rest.c_str(), nullptr, 10));
    on_started(process);
  } else if (word == "failed") {
    on_start_failed(*process, rest);
  } else if (word == "exited") {
    process->exit_code = static_cast<int>(std::strtol(rest.c_str(), nullptr, 10));
  }
}

void ProcessRunner::Impl::on_started(const std::shared_ptr<Process>& process) {
  process->stage = Stage::running;
  if (process->removed) return process->control.reset();
  emit(ports::TaskStarted{
      process->launch.task, {}, process->container_id, process->pid, process->address->address.host()});
  if (const auto& wish = process->stop_when_started) stop(process, wish->grace, wish->signal);
}

void ProcessRunner::Impl::on_start_failed(Process& process, const std::string& why) {
  process.stage = Stage::exited;
  process.told_exit = true;
  process.address.reset();
  if (process.removed) return;
  emit(ports::TaskStarted{process.launch.task, why, {}, 0, {}});
  // Somebody waits for the answer to a stop that came meanwhile.
  if (process.stop_when_started) emit(ports::TaskExited{process.launch.task, 0, kNotRunning});
  end_streams(process.launch.task);
}

// ---- what it says

void ProcessRunner::Impl::read_output(const std::shared_ptr<Process>& process, bool err, bool to_the_end) {
  Output& output = err ? process->err : process->out;
  if (!output.watch) return;
  char bytes[64 * 1024];  // as much as a pipe holds
  std::vector<std::string> texts;
  ssize_t count = 0;
  do {
    count = ::read(output.watch->fd(), bytes, sizeof bytes);
    if (count > 0) output.lines.add({bytes, static_cast<std::size_t>(count)}, texts);
  } while ((count < 0 && errno == EINTR) || (count > 0 && to_the_end));
  if (count > 0) spend(static_cast<std::size_t>(count), texts.size());
  if (to_the_end || count == 0 || (count < 0 && errno != EAGAIN)) {
    output.lines.finish(texts);
    output.watch.reset();
  } else if (output_left < 0) {
    output.watch->pause();
    too_talkative.emplace_back(process, err);
  }
  take_lines(*process, err, std::move(texts));
}

void ProcessRunner::Impl::spend(std::size_t bytes, std::size_t lines) {
  if (!output_tick) {
    output_left = kOutputPerTick;
    output_tick.emplace(reactor);
    refill();
  }
  output_left -= static_cast<std::int64_t>(bytes) + kCostOfALine * static_cast<std::int64_t>(lines);
}

// Ticks for as long as somebody waits; what was taken beyond the pace is paid for first.
void ProcessRunner::Impl::refill() {
  output_tick->after(kOutputTick, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->output_left = std::min(self->output_left + kOutputPerTick, kOutputPerTick);
    if (self->output_left < 0) return self->refill();
    const auto waiting = std::exchange(self->too_talkative, {});
    for (const auto& [process, err] : waiting)
      if (const auto still = process.lock())
        if (auto& watch = err ? still->err.watch : still->out.watch) watch->resume();
    if (waiting.empty()) return self->output_tick.reset();
    self->refill();
  });
}

void ProcessRunner::Impl::take_lines(Process& process, bool err, std::vector<std::string> texts) {
  if (texts.empty() || process.removed) return;
  std::vector<wire::LogLine> lines;
  const WallTime now = wall_now();
  for (std::string& text : texts) lines.push_back({process.launch.task, err, now, std::move(text)});
  process.log.append(lines);
  for (const auto& [id, stream] : streams) {
    if (stream.task != process.launch.task) continue;
    std::vector<wire::LogLine> for_it;
    for (const auto& line : lines)
      if (wanted(line, stream.options)) for_it.push_back(line);
    if (!for_it.empty()) send_lines(id, std::move(for_it), false, {});
  }
}

// ---- its end

// The shim ends last, when nothing of the task is left.
void ProcessRunner::Impl::on_shim_end(const std::shared_ptr<Process>& process) {
  if (process->control) hear(process);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(process->shim), &info, WEXITED);
  shims.erase(process->shim);
  process->shim_end.reset();
  process->control.reset();
  process->grace.reset();
  if (!process->exit_code && !process->told_exit) {  // somebody killed the shim
    if (process->pid > 0) ::kill(-process->pid, SIGKILL);
    kill_strays();
    process->exit_code = 137;
  }
  if (process->stage == Stage::starting) on_start_failed(*process, "the task's shim died");
  read_output(process, false, true);
  read_output(process, true, true);
  process->stage = Stage::exited;
  process->address.reset();
  process->log.close();
  if (process->removed) remove_directory(process->directory);
  if (process->told_exit || process->removed) return;
  process->told_exit = true;
  emit(ports::TaskExited{process->launch.task, process->exit_code.value_or(137), {}});
  end_streams(process->launch.task);
}

// What a killed shim left behind has become this process's own, since it is a reaper too; what that leaves
// behind comes in the next round.
void ProcessRunner::Impl::kill_strays() {
  bool found = true;
  while (std::exchange(found, false)) {
    std::error_code ignored;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) {
        if (shims.contains(child)) continue;
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        found = true;
      }
    }
  }
}

void ProcessRunner::Impl::send_signal(Process& process, int number) {
  const auto byte = static_cast<unsigned char>(number);
  if (process.control) ::send(process.control->fd(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void ProcessRunner::Impl::stop(const std::shared_ptr<Process>& process, Duration grace, int signal) {
  // Of a spec that an older version accepted, a word may be none.
  const int own = model::parse_signal(process->launch.container.stop_signal).value_or(SIGTERM);
  send_signal(*process, signal != 0 ? signal : own);
  process->grace.emplace(reactor);
  process->grace->after(grace, [weak = std::weak_ptr(process)] {
    if (const auto still = weak.lock()) send_signal(*still, SIGKILL);
  });
}

void ProcessRunner::stop(TaskId task, Duration grace, int signal) {
  const auto it = impl_->processes.find(task);
  if (it == impl_->processes.end()) return impl_->emit(ports::TaskExited{task, 0, kNotRunning});
  const auto& process = it->second;
  switch (process->stage) {
    case Stage::prepared:
      process->stage = Stage::exited;
      process->told_exit = true;
      process->address.reset();
      return impl_->emit(ports::TaskExited{task, 0, {}});
    case Stage::starting:
      process->stop_when_started = {grace, signal};
      return;
    case Stage::running:
      return impl_->stop(process, grace, signal);
    case Stage::exited:
      return;
  }
}

void ProcessRunner::signal(TaskId task, int number) {
  Process* process = impl_->find(task);
  if (process != nullptr && process->stage == Stage::running && number > 0 && number < 65)
    Impl::send_signal(*process, number);
}

void ProcessRunner::remove(TaskId task) {
  impl_->end_streams(task);
  const auto it = impl_->processes.find(task);
  const auto process = it == impl_->processes.end() ? nullptr : it->second;
  if (process) impl_->processes.erase(it);
  if (process && process->shim_end) {
    process->removed = true;
    if (process->stage == Stage::running) process->control.reset();  // its end kills all
    return;
  }
  impl_->remove_directory(impl_->directory_of(task));
}

// ---- logs

void ProcessRunner::Impl::send_lines(ports::LogStreamId stream, std::vector<wire::LogLine> lines, bool end,
                                     const std::string& error) {
  for (std::size_t at = 0; at < lines.size(); at += kLinesPerEvent) {
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last =
        lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), at + kLinesPerEvent));
    emit(ports::TaskLog{stream, {std::make_move_iterator(first), std::make_move_iterator(last)}, false, {}});
  }
  if (end || lines.empty() || !error.empty()) emit(ports::TaskLog{stream, {}, end, error});
}

std::string ProcessRunner::Impl::lost_output(TaskId task) {
  const Process* process = find(task);
  return process == nullptr || process->log.failure().empty()
             ? std::string()
             : "not all of its output could be kept: " + process->log.failure();
}

void ProcessRunner::Impl::end_streams(TaskId task) {
  for (auto it = streams.begin(); it != streams.end();) {
    if (it->second.task != task) {
      ++it;
      continue;
    }
    emit(ports::TaskLog{it->first, {}, true, {}});
    it = streams.erase(it);
  }
}

ports::LogStreamId ProcessRunner::open_logs(TaskId task, const wire::LogOptions& options) {
  const ports::LogStreamId id = ++impl_->last_stream;
  const Process* process = impl_->find(task);
  const TaskLogFile log(impl_->directory_of(task) + "/log");  // also of a task of an earlier run
  const bool follows = options.follow && process != nullptr && process->stage != Stage::exited;
  const std::string error =
      process != nullptr || exists(impl_->directory_of(task)) ? impl_->lost_output(task) : ports::kNoOutput;
  impl_->send_lines(id, log.read(task, options), !follows, error);
  if (follows) impl_->streams[id] = {task, options};
  return id;
}

void ProcessRunner::close_logs(ports::LogStreamId stream) { impl_->streams.erase(stream); }

std::optional<ports::Usage> ProcessRunner::usage(TaskId task) {
  const Process* process = impl_->find(task);
  if (process == nullptr || process->stage != Stage::running) return std::nullopt;
  return usage_of_tree(process->shim);
}

// ---- images, warnings

void ProcessRunner::set_image_faults(const std::vector<faults::Fault>& faults) {
  impl_->catalogue.set_faults(faults);
}
std::vector<ports::Image> ProcessRunner::images() { return impl_->catalogue.images(); }

Result<void> ProcessRunner::add_image(const ports::Image& image) {
  if (auto there = check_program(image.command.front()); !there) return there;
  // A disk that cannot keep it: the image is there until the daemon ends.
  [[maybe_unused]] const auto kept = impl_->catalogue.add(image);
  return {};
}

std::vector<std::string> ProcessRunner::warnings(const model::ServiceSpec& spec,
                                                 const model::ServiceSpec* before) {
  std::vector<std::string> out;
  for (const std::string& words : model::newly_kept(spec, before))
    out.push_back("the process runner does not apply " + words + "; the field is kept");
  return out;
}

// ---- the runner's own life

Result<std::unique_ptr<ProcessRunner>> ProcessRunner::open(Reactor& reactor, Options options, Emit emit) {
  if (auto made = make_directories(options.data_root + "/tasks"); !made) return made.error();
  auto lock = wait_for_earlier_tasks(options.data_root + "/tasks/LOCK");
  if (!lock) return lock.error();
  auto images = ImageCatalogue::open(options.data_root + "/images", options.web_program);
  if (!images) return images.error();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto impl = std::make_shared<Impl>(reactor, std::move(options), std::move(emit), std::move(*lock),
                                     std::move(*images));
  return std::unique_ptr<ProcessRunner>(new ProcessRunner(std::move(impl)));
}

ProcessRunner::~ProcessRunner() {
  const auto shims = std::move(impl_->shims);
  for (const auto& [_, process] : shims) process->control.reset();
  for (const auto& [pid, process] : shims) ::waitpid(pid, nullptr, 0);
  std::error_code ignored;
  for (const std::string& directory : impl_->to_remove) std::filesystem::remove_all(directory, ignored);
}

}  // namespace swarm::real
