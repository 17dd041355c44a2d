#include "real/runner/task_runner.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/random.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "model/builtin_images.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"
#include "model/signal.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "ports/runtimes.hpp"
#include "real/files.hpp"
#include "real/http/reactor.hpp"
#include "real/runner/executor.hpp"
#include "real/runner/image_catalogue.hpp"
#include "real/runner/program.hpp"
#include "real/runner/task_address.hpp"
#include "real/runner/task_networks.hpp"
#include "real/runner/task_output.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr Duration kEarlierTasks = Duration::seconds(10);
constexpr const char* kNotRunning = "no such process";

enum class Stage : std::uint8_t { prepared, starting, running, exited };

std::string random_container_id() {
  std::string raw(32, '\0');
  [[maybe_unused]] const auto drawn = ::getrandom(raw.data(), raw.size(), 0);
  return to_hex(raw);
}

// The lock is held by this daemon and, inherited, by what runs its tasks: it is free once all of an earlier
// run are gone.
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

// A task that is prepared, or was.
struct Held {
  Work work;
  Executor* executor = nullptr;
  std::optional<TaskAddress> address;
  std::shared_ptr<TaskOutput> output;
  Stage stage = Stage::prepared;
  bool with_executor = false;  // `start` gave pipes, and Ended has not come
  bool exit_said = false;
  bool removed = false;  // its directory goes once the executor has ended it
  struct Stop {
    Duration grace;
    int signal = 0;
  };
  std::optional<Stop> stop_when_started;
  std::optional<Timer> grace;

  TaskId task() const { return work.launch.task; }
};

}  // namespace

struct TaskRunner::Impl : std::enable_shared_from_this<TaskRunner::Impl> {
  Impl(Reactor& the_reactor, Options the_options, Emit the_emit, Fd run_lock, ImageCatalogue images)
      : reactor(the_reactor),
        options(std::move(the_options)),
        emit(std::move(the_emit)),
        lock(std::move(run_lock)),
        catalogue(std::move(images)),
        addresses(options.node_name),
        outputs(std::make_shared<TaskOutputs>(reactor, emit)) {}

  std::string directory_of(TaskId task) const { return options.data_root + "/tasks/" + task.str(); }
  Held* find(TaskId task) {
    const auto it = run_of.find(task);
    return it == run_of.end() ? nullptr : &held.at(it->second);
  }
  Executor* choose(const ports::Launch& launch) const;
  std::vector<std::string> names() const;

  Result<void> prepare(Held& it);
  Result<void> find_image(Work& work) const;
  void start(RunId run);
  void ask_for_network(Held& it);
  void run_now(Held& it);
  void give_back_addresses(Held& it);
  void fail_start(Held& it, const std::string& why);
  void stop(Held& it, Duration grace, int signal);
  void forget(TaskId task);

  void on(const Started& event);
  void on(const StartFailed& event);
  void on(const Ended& event);

  void schedule_chores();
  void do_one_chore();
  void remove_directory(const std::string& directory);

  Reactor& reactor;
  Options options;
  Emit emit;
  Fd lock;
  ImageCatalogue catalogue;
  TaskAddresses addresses;
  std::shared_ptr<TaskOutputs> outputs;
  std::vector<std::unique_ptr<Executor>> executors;
  RunId last_run = 0;
  std::map<RunId, Held> held;  // also removed tasks that their executor has not ended yet
  std::map<TaskId, RunId> run_of;
  std::deque<RunId> to_start;
  std::deque<std::string> to_remove;  // directories
  bool chores_scheduled = false;
};

// ---- chores: what takes a millisecond and comes by the hundred. One per round of the reactor, so that
// heartbeats go between.

void TaskRunner::Impl::schedule_chores() {
  if (std::exchange(chores_scheduled, true)) return;
  reactor.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->do_one_chore();
  });
}

void TaskRunner::Impl::do_one_chore() {
  chores_scheduled = false;
  if (!to_start.empty()) {
    const RunId run = to_start.front();
    to_start.pop_front();
    start(run);
  } else if (!to_remove.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(to_remove.front(), ignored);
    to_remove.pop_front();
  }
  if (!to_start.empty() || !to_remove.empty()) schedule_chores();
}

void TaskRunner::Impl::remove_directory(const std::string& directory) {
  to_remove.push_back(directory);
  schedule_chores();
}

// ---- prepare

Executor* TaskRunner::Impl::choose(const ports::Launch& launch) const {
  for (const auto& executor : executors)
    if (executor->takes(launch)) return executor.get();
  return nullptr;
}

std::vector<std::string> TaskRunner::Impl::names() const {
  std::vector<std::string> out;
  for (const auto& executor : executors) out.push_back(executor->name());
  return out;
}

Result<void> TaskRunner::Impl::find_image(Work& work) const {
  const model::ContainerSpec& spec = *work.launch.container;
  auto command = catalogue.command_of(spec);
  if (!command) return plain_error(Code::not_found, "No such image: " + model::normal_reference(spec.image));
  work.command = std::move(*command);
  work.users_own_image = catalogue.is_users_own(spec.image);
  if (const std::uint32_t port = catalogue.own_port(spec.image); port != 0)
    work.launch.target_ports.push_back(port);
  return {};
}

Result<void> TaskRunner::Impl::prepare(Held& it) {
  Work& work = it.work;
  it.executor = choose(work.launch);
  if (it.executor == nullptr) return ports::no_executor(work.launch.runtime, names());
  if (auto found = find_image(work); !found) return found;
  if (auto fine = it.executor->check(work); !fine) return fine;
  if (auto made = make_directories(work.home()); !made) return made;
  if (auto made = it.executor->prepare(work); !made) return made;
  it.output = std::make_shared<TaskOutput>(it.task(), work.directory + "/log");
  if (!work.launch.overlay_address.empty()) {
    work.address = work.launch.overlay_address;
    return {};
  }
  it.address = addresses.take();
  if (!it.address) return plain_error(Code::resource_exhausted, "no address is free in 127.0.0.0/8");
  work.address = it.address->address.host();
  return {};
}

void TaskRunner::prepare(const ports::Launch& launch) {
  Held it;
  it.work = {++impl_->last_run,     launch, {}, false, impl_->directory_of(launch.task),
             random_container_id(), {}};
  const RunId run = it.work.run;
  const Result<void> prepared = impl_->prepare(it);
  if (prepared) {
    impl_->forget(launch.task);
    impl_->held.emplace(run, std::move(it));
    impl_->run_of[launch.task] = run;
  }
  impl_->emit(ports::TaskPrepared{launch.task, prepared ? "" : prepared.error().message});
}

// ---- start

void TaskRunner::start(TaskId task) {
  Held* it = impl_->find(task);
  if (it == nullptr || it->stage != Stage::prepared)
    return impl_->emit(ports::TaskStarted{task, "the task is not prepared", {}, 0, {}});
  it->stage = Stage::starting;
  impl_->to_start.push_back(it->work.run);
  impl_->schedule_chores();
}

void TaskRunner::Impl::start(RunId run) {
  const auto found = held.find(run);
  if (found == held.end() || found->second.stage != Stage::starting) return;
  if (found->second.work.launch.overlay_address.empty()) return run_now(found->second);
  ask_for_network(found->second);
}

void TaskRunner::Impl::ask_for_network(Held& it) {
  if (options.networks == nullptr) return fail_start(it, "this node carries no overlay networks");
  options.networks->open(it.work.launch, [weak = weak_from_this(), run = it.work.run](auto network) {
    const auto self = weak.lock();
    const auto found = self ? self->held.find(run) : decltype(self->held.find(run)){};
    if (!self || found == self->held.end()) return;
    if (!network) return self->fail_start(found->second, network.error().message);
    found->second.work.network = std::make_shared<const TaskNetwork>(std::move(*network));
    self->run_now(found->second);
  });
}

void TaskRunner::Impl::run_now(Held& it) {
  auto pipes = it.executor->start(it.work);
  if (!pipes) return fail_start(it, pipes.error().message);
  it.with_executor = true;
  outputs->take(it.output, std::move(*pipes));
}

void TaskRunner::Impl::give_back_addresses(Held& it) {
  it.address.reset();
  it.work.network.reset();
  if (options.networks != nullptr && !it.work.launch.overlay_address.empty())
    options.networks->close(it.task());
}

void TaskRunner::Impl::on(const Started& event) {
  Held& it = held.at(event.run);
  it.stage = Stage::running;
  if (it.removed) return it.executor->kill(event.run);
  emit(ports::TaskStarted{it.task(), {}, it.work.container_id, event.pid, it.work.address});
  if (const auto& wish = it.stop_when_started) stop(it, wish->grace, wish->signal);
}

void TaskRunner::Impl::on(const StartFailed& event) { fail_start(held.at(event.run), event.why); }

void TaskRunner::Impl::fail_start(Held& it, const std::string& why) {
  it.stage = Stage::exited;
  it.exit_said = true;
  give_back_addresses(it);
  if (it.removed) return;
  emit(ports::TaskStarted{it.task(), why, {}, 0, {}});
  // The worker waits for the answer to a stop that came meanwhile.
  if (it.stop_when_started) emit(ports::TaskExited{it.task(), 0, kNotRunning});
  outputs->end_streams(it.task());
}

// ---- its end

void TaskRunner::Impl::on(const Ended& event) {
  Held& it = held.at(event.run);
  it.with_executor = false;
  it.grace.reset();
  outputs->finish(*it.output);
  it.stage = Stage::exited;
  give_back_addresses(it);
  if (it.removed) {
    if (!run_of.contains(it.task())) remove_directory(it.work.directory);
    held.erase(event.run);
    return;
  }
  if (std::exchange(it.exit_said, true)) return;
  emit(ports::TaskExited{it.task(), event.exit_code, {}});
  outputs->end_streams(it.task());
}

// The stop rule of all executors: the signal, then SIGKILL after the grace.
void TaskRunner::Impl::stop(Held& it, Duration grace, int signal) {
  // Of a spec that an older version accepted, a word may be none.
  const int own = model::parse_signal(it.work.launch.container->stop_signal).value_or(SIGTERM);
  it.executor->signal(it.work.run, signal != 0 ? signal : own);
  it.grace.emplace(reactor);
  it.grace->after(grace, [executor = it.executor, run = it.work.run] { executor->signal(run, SIGKILL); });
}

void TaskRunner::stop(TaskId task, Duration grace, int signal) {
  Held* it = impl_->find(task);
  if (it == nullptr) return impl_->emit(ports::TaskExited{task, 0, kNotRunning});
  switch (it->stage) {
    case Stage::prepared:
      it->stage = Stage::exited;
      it->exit_said = true;
      impl_->give_back_addresses(*it);
      return impl_->emit(ports::TaskExited{task, 0, {}});
    case Stage::starting:
      it->stop_when_started = {grace, signal};
      return;
    case Stage::running:
      return impl_->stop(*it, grace, signal);
    case Stage::exited:
      return;
  }
}

void TaskRunner::signal(TaskId task, int number) {
  const Held* it = impl_->find(task);
  if (it != nullptr && it->stage == Stage::running && number > 0 && number < 65)
    it->executor->signal(it->work.run, number);
}

void TaskRunner::remove(TaskId task) {
  impl_->outputs->end_streams(task);
  const bool leaves_later = impl_->find(task) != nullptr && impl_->find(task)->with_executor;
  impl_->forget(task);
  if (!leaves_later) impl_->remove_directory(impl_->directory_of(task));
}

// What its executor still has goes when that has ended it.
void TaskRunner::Impl::forget(TaskId task) {
  const auto entry = run_of.find(task);
  if (entry == run_of.end()) return;
  const RunId run = entry->second;
  run_of.erase(entry);
  Held& it = held.at(run);
  if (!it.with_executor) {
    give_back_addresses(it);
    held.erase(run);
    return;
  }
  it.removed = true;
  it.output->drop();
  if (it.stage == Stage::running) it.executor->kill(run);
}

// ---- logs, usage

ports::LogStreamId TaskRunner::open_logs(TaskId task, const wire::LogOptions& options) {
  const Held* it = impl_->find(task);
  const std::string directory = impl_->directory_of(task);  // also of a task of an earlier run
  const bool follows = options.follow && it != nullptr && it->stage != Stage::exited;
  std::string missing = it != nullptr || exists(directory) ? "" : ports::kNoOutput;
  if (it != nullptr && !it->output->failure().empty())
    missing = "not all of its output could be kept: " + it->output->failure();
  return impl_->outputs->open_stream(task, directory + "/log", options, follows, missing);
}

void TaskRunner::close_logs(ports::LogStreamId stream) { impl_->outputs->close_stream(stream); }

std::optional<ports::Usage> TaskRunner::usage(TaskId task) {
  const Held* it = impl_->find(task);
  if (it == nullptr || it->stage != Stage::running) return std::nullopt;
  return it->executor->usage(it->work.run);
}

// ---- images, warnings

std::vector<std::string> TaskRunner::executors() const { return impl_->names(); }

void TaskRunner::set_image_faults(const std::vector<faults::Fault>& faults) {
  impl_->catalogue.set_faults(faults);
}
std::vector<ports::Image> TaskRunner::images() { return impl_->catalogue.images(); }

Result<void> TaskRunner::add_image(const ports::Image& image) {
  if (auto there = check_program(image.command.front()); !there) return there;
  // A disk that cannot keep it: the image is there until the daemon ends.
  [[maybe_unused]] const auto kept = impl_->catalogue.add(image);
  return {};
}

// Of the executor that would run a task of this spec here.
std::vector<std::string> TaskRunner::warnings(const model::ServiceSpec& spec,
                                              const model::ServiceSpec* before) {
  ports::Launch launch;
  launch.runtime = ports::runtime_of(spec.task);
  launch.container = spec.task.container;
  launch.container.edit();  // one that asks for nothing where the spec has none
  Executor* executor = impl_->choose(launch);
  return executor != nullptr ? executor->warnings(spec, before) : std::vector<std::string>{};
}

// ---- the runner's own life

Result<std::unique_ptr<TaskRunner>> TaskRunner::open(Reactor& reactor, Options options, Emit emit) {
  if (auto made = make_directories(options.data_root + "/tasks"); !made) return made.error();
  auto lock = wait_for_earlier_tasks(options.data_root + "/tasks/LOCK");
  if (!lock) return lock.error();
  auto images = ImageCatalogue::open(options.data_root + "/images", options.web_program);
  if (!images) return images.error();
  auto impl = std::make_shared<Impl>(reactor, std::move(options), std::move(emit), std::move(*lock),
                                     std::move(*images));
  const auto hear = [weak = std::weak_ptr(impl)](const ExecutorEvent& event) {
    if (const auto self = weak.lock()) std::visit([&self](const auto& one) { self->on(one); }, event);
  };
  for (const MakeExecutor& make : impl->options.executors)
    impl->executors.push_back(make({reactor, impl->lock.get(), hear}));
  return std::unique_ptr<TaskRunner>(new TaskRunner(std::move(impl)));
}

TaskRunner::~TaskRunner() {
  impl_->executors.clear();
  std::error_code ignored;
  for (const std::string& directory : impl_->to_remove) std::filesystem::remove_all(directory, ignored);
}

}  // namespace swarm::real
