#include "agent/worker.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/state.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/restart.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::agent {
namespace {

using model::TaskState;

// What Docker shows for a container that was running when its machine went down.
constexpr std::int64_t kLostExitCode = 255;
constexpr std::uint32_t kFirstEphemeralPort = 49'152;  // RFC 6335: dynamic ports

// Losing another state costs nothing: the steps up to STARTING can be done again, and a task whose record
// says STARTING is over when the node starts again, as one that says RUNNING is.
bool must_last(TaskState state) { return state == TaskState::starting || is_terminal(state); }

std::string exit_text(std::int64_t code) { return "task: non-zero exit (" + std::to_string(code) + ")"; }

}  // namespace

Worker::Worker(NodeId node, model::NodeDescription description, Rng rng)
    : state_(std::make_unique<State>(node, std::move(description), rng)) {}
Worker::~Worker() = default;
void Worker::reseed(Rng rng) { state_->rng = rng; }

const std::map<TaskId, LocalTask>& Worker::tasks() const { return state_->tasks; }
wire::StoreMoment Worker::obeyed() const { return state_->obeyed; }

bool Worker::idle() const {
  return std::ranges::none_of(state_->tasks, [](const auto& one) { return one.second.process_runs; }) &&
         std::ranges::none_of(state_->lives,
                              [](const auto& one) { return one.second.busy == Busy::starting; });
}

// Records first: what follows them in the list is done when they are on disk, where that matters.
std::vector<Effect> Worker::take_effects() {
  State& state = *state_;
  state.send_report();
  std::vector<Effect> out;
  for (const auto& [id, first] : std::exchange(state.to_save, {})) {
    const auto it = state.tasks.find(id);
    out.push_back(
        SaveTask{id, it == state.tasks.end() ? std::nullopt : std::optional(it->second.task), first});
  }
  for (Effect& effect : std::exchange(state.effects, {})) out.push_back(std::move(effect));
  return out;
}

// ---- resuming

void Worker::resume(std::vector<model::Task> records, wire::StoreMoment obeyed, Instant now, WallTime wall) {
  state_->now = now;
  state_->obeyed = obeyed;
  for (auto& record : records) state_->resume(std::move(record), wall);
}

// What ran is gone with the run of the node that started it; what was not started yet goes on.
void Worker::State::resume(model::Task record, WallTime wall) {
  const TaskId id = record.id;
  LocalTask& local = tasks[id];
  local.task = std::move(record);
  local.container_id = local.task.status.container.container_id;
  local.exit_code = local.task.status.container.exit_code;
  local.container_exists = !local.container_id.empty();
  if (local.container_exists) local.created_at = local.started_at = local.task.meta.created_at;
  if (is_terminal(local.task.state())) local.finished_at = local.task.status.timestamp;
  lives[id];
  const TaskState state = local.task.state();
  const bool over = is_terminal(state) || SWARM_MISTAKE("agent.believes-that-its-processes-lived-on");
  if (state < TaskState::starting || over) return drive(id, wall);
  local.exit_code = local.task.status.container.exit_code = kLostExitCode;
  local.task.status.port_status.clear();
  local.finished_at = wall;
  if (local.task.desired_state >= TaskState::shutdown) {
    set_status(local, TaskState::shutdown, "shutdown", "", wall);
  } else {
    set_status(local, TaskState::failed, model::kLostWithNode, exit_text(kLostExitCode), wall);
  }
}

// ---- states

void Worker::State::set_status(LocalTask& local, TaskState state, const char* message, const std::string& err,
                               WallTime wall) {
  model::TaskStatus& status = local.task.status;
  if (state < status.state) return;
  status.state = state;
  status.message = message;
  status.err = err;
  status.timestamp = wall;
  to_save[local.task.id] |= must_last(state);
  note_unreported(local);
}

// Before STARTING a task is rejected, from then on it fails; the message stays that of the step that did not
// succeed (swarmkit agent/exec/controller.go, Do).
void Worker::State::fail(LocalTask& local, const std::string& err, WallTime wall) {
  const TaskState state = local.task.state() < TaskState::starting ? TaskState::rejected : TaskState::failed;
  const std::string message = local.task.status.message;
  set_status(local, state, message.c_str(), err, wall);
}

void Worker::State::event(TaskId task, const char* action, std::int64_t exit_code) {
  effects.push_back(ContainerEvent{task, action, exit_code});
}

// ---- the next action

void Worker::State::drive(TaskId id, WallTime wall) {
  SWARM_CHECK(tasks.size() == lives.size(), tasks.size(), "tasks and", lives.size(), "lives");
  LocalTask& local = tasks.at(id);
  Life& life = lives.at(id);
  SWARM_CHECK(!local.process_runs || (life.busy == Busy::no && local.task.state() == TaskState::running),
              "task", id, "runs while it is", model::to_string(local.task.state()));
  if (!life.assigned) {
    if (!stop(local, life)) forget(id);
    return;
  }
  if (draining) {
    stop(local, life);
    return;
  }
  if (is_terminal(local.task.state())) return;
  if (local.task.desired_state >= TaskState::shutdown) {
    if (!stop(local, life)) set_status(local, TaskState::shutdown, "shutdown", "", wall);
    return;
  }
  if (life.busy == Busy::no) advance(local, life, wall);
}

// The table of swarmkit agent/exec/controller.go: ASSIGNED, ACCEPTED and READY wait until more is desired.
void Worker::State::advance(LocalTask& local, Life& life, WallTime wall) {
  const TaskState desired = local.task.desired_state;
  if (local.task.state() <= TaskState::assigned && desired > local.task.state())
    set_status(local, TaskState::accepted, "accepted", "", wall);
  if (local.task.state() == TaskState::accepted && desired > TaskState::accepted)
    set_status(local, TaskState::preparing, "preparing", "", wall);
  if (local.task.state() == TaskState::preparing) return prepare(local, life);
  if (local.task.state() != TaskState::ready || desired <= TaskState::ready) return;
  if (!life.prepared) return prepare(local, life);
  SWARM_CHECK(life.assigned && !draining && !local.process_runs, "task", local.task.id);
  set_status(local, TaskState::starting, "starting", "", wall);
  life.busy = Busy::starting;
  effects.push_back(StartTask{local.task.id});
}

void Worker::State::prepare(LocalTask& local, Life& life) {
  SWARM_CHECK(life.busy == Busy::no && !local.process_runs, "task", local.task.id);
  life.busy = Busy::preparing;
  effects.push_back(PrepareTask{local.task});
}

// True while there is a process to wait for; it is asked to stop once.
bool Worker::State::stop(const LocalTask& local, Life& life) {
  if (life.busy == Busy::starting) return true;
  if (!local.process_runs) return false;
  if (!std::exchange(life.stop_asked, true) && !SWARM_MISTAKE("agent.stops-no-process")) {
    effects.push_back(StopTask{local.task.id, model::stop_grace(local.task.spec())});
    event(local.task.id, "kill");
  }
  return true;
}

void Worker::set_table(std::shared_ptr<const model::ForwardingTable> table) {
  state_->table = std::move(table);
}

// The engine picks what the service leaves open, as Docker does; where few ask for a port by its number.
void Worker::State::open_host_ports(LocalTask& local) {
  const auto& endpoint = local.task.templ->endpoint;
  if (!endpoint) return;
  for (model::PortConfig port : endpoint->ports) {
    if (port.publish_mode != model::PublishMode::host) continue;
    if (port.published_port == 0) port.published_port = free_host_port(port.protocol);
    local.task.status.port_status.push_back(std::move(port));
  }
}

std::uint32_t Worker::State::free_host_port(model::PortProtocol protocol) const {
  std::set<model::PortKey> taken;
  for (const auto& [id, local] : tasks) {
    for (const auto& port : local.task.status.port_status) taken.insert({port.protocol, port.published_port});
    const auto& endpoint = local.task.templ->endpoint;
    if (!endpoint) continue;
    for (const auto& port : endpoint->ports) taken.insert({port.protocol, port.published_port});
  }
  model::PortKey port{protocol, kFirstEphemeralPort};
  while (taken.contains(port) || table->find(port) != nullptr) ++port.port;
  return port.port;
}

void Worker::State::forget(TaskId id) {
  SWARM_CHECK(lives.at(id).busy != Busy::starting && !tasks.at(id).process_runs, "task", id);
  effects.push_back(RemoveTask{id});
  if (tasks.at(id).container_exists) event(id, "destroy");
  tasks.erase(id);
  lives.erase(id);
  unreported.erase(id);
  under_way.erase(id);
  to_save[id] = true;
}

void Worker::drain(Instant now, WallTime wall) {
  state_->now = now;
  state_->draining = true;
  std::vector<TaskId> ids;
  for (const auto& [id, local] : state_->tasks) ids.push_back(id);
  for (const TaskId id : ids) state_->drive(id, wall);
}

// ---- the runner's answers

void Worker::on_prepared(TaskId task, const std::string& error, Instant now, WallTime wall) {
  state_->now = now;
  const auto it = state_->tasks.find(task);
  if (it == state_->tasks.end()) return;
  LocalTask& local = it->second;
  Life& life = state_->lives.at(task);
  if (life.busy != Busy::preparing) return;
  life.busy = Busy::no;
  if (error.empty()) {
    life.prepared = true;
    if (!std::exchange(local.container_exists, true)) {
      local.created_at = wall;
      state_->event(task, "create");
    }
    if (local.task.state() == TaskState::preparing)
      state_->set_status(local, TaskState::ready, "prepared", "", wall);
  } else if (!is_terminal(local.task.state())) {
    state_->fail(local, error, wall);
  }
  state_->drive(task, wall);
}

void Worker::on_started(TaskId task, const std::string& error, const std::string& container_id,
                        std::int64_t pid, const std::string& address, Instant now, WallTime wall) {
  state_->now = now;
  const auto it = state_->tasks.find(task);
  if (it == state_->tasks.end()) return;
  LocalTask& local = it->second;
  Life& life = state_->lives.at(task);
  if (life.busy != Busy::starting) return;
  SWARM_CHECK(local.task.state() == TaskState::starting && !local.process_runs, "task", task, "is",
              model::to_string(local.task.state()));
  life.busy = Busy::no;
  if (error.empty()) {
    local.container_id = local.task.status.container.container_id = container_id;
    local.pid = local.task.status.container.pid = pid;
    local.address = address;
    local.started_at = wall;
    local.process_runs = true;
    state_->open_host_ports(local);
    state_->set_status(local, TaskState::running, "started", "", wall);
    state_->event(task, "start");
  } else {
    state_->fail(local, error, wall);
  }
  state_->drive(task, wall);
}

void Worker::on_exited(TaskId task, std::int64_t exit_code, const std::string& error, Instant now,
                       WallTime wall) {
  state_->now = now;
  const auto it = state_->tasks.find(task);
  if (it == state_->tasks.end() || !it->second.process_runs) return;
  LocalTask& local = it->second;
  local.process_runs = false;
  local.pid = local.task.status.container.pid = 0;
  local.task.status.port_status.clear();
  local.exit_code = local.task.status.container.exit_code = exit_code;
  local.finished_at = wall;
  state_->event(task, "die", exit_code);
  if (state_->lives.at(task).stop_asked) {
    state_->event(task, "stop");
    state_->set_status(local, TaskState::shutdown, "shutdown", "", wall);
  } else if (exit_code == 0 && error.empty()) {
    state_->set_status(local, TaskState::complete, "finished", "", wall);
  } else {
    state_->fail(local, error.empty() ? exit_text(exit_code) : error, wall);
  }
  state_->drive(task, wall);
}

}  // namespace swarm::agent
