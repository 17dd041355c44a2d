// The face over the machines, the network and the queue; and the one loop.
#include "sim/world.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <utility>

#include "base/check.hpp"
#include "docker/metrics.hpp"
#include "faults/nearest.hpp"
#include "sim/check/checker.hpp"
#include "sim/client.hpp"
#include "sim/injector.hpp"
#include "sim/journal.hpp"
#include "sim/load.hpp"
#include "sim/machine.hpp"
#include "sim/player.hpp"
#include "sim/watch.hpp"
#include "sim/witness.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kDoorLatency = Duration::micros(20);
constexpr Duration kPatience = Duration::seconds(10);  // of a load's clients

}  // namespace

struct World::Impl {
  explicit Impl(const WorldOptions& options)
      : made_of(options),
        shared(options),
        network(shared, part_rng(options.seed, ~std::uint64_t{0}, 0)),
        mesh(shared, network, part_rng(options.seed, ~std::uint64_t{0}, 1), facts()),
        calls(shared),
        checker(shared),
        injector(shared, network, machines, hands()),
        watch(shared, machines, network) {
    checker.tell([this](const Replica& replica, const std::vector<store::AnyChange>* entry) {
      watch.committed(replica, entry);
    });
  }

  MeshNet::Facts facts() {
    return {[this](MachineIndex at, TaskId task, std::uint32_t port) {
              return machines[at]->runner.page(task, port);
            },
            [this](MachineIndex at, TaskId task) { return objection(*machines[at], task); },
            [this](MachineIndex at) { return machines[at]->life; }};
  }
  static std::string objection(const Machine& at, TaskId task);
  Look shown_by(const Machine& at, const http::Request& request, bool last_known) const;
  Result<std::vector<wire::LogLine>> output(const Machine& at, TaskId task,
                                            const wire::LogOptions& options) const;

  Machine& machine(std::string_view name) {
    const auto it = names.find(name);
    SWARM_CHECK(it != names.end(), "no machine is called", name);
    return *machines[it->second];
  }
  // What is done here from outside: see sim/journal.hpp.
  template <class Make>
  Journal::Writing input(Make&& make) {
    if (!journal.is_inside()) player.interrupted();
    return Journal::Writing(journal, moment(), std::forward<Make>(make));
  }
  template <class Deed>
  Journal::Writing deed(std::string_view name) {
    return input([&] { return Deed{std::string(name)}; });
  }
  Moment moment() const { return {steps, shared.now}; }
  // By themselves: what inputs are to come is the player's.
  Instant next_event() const;
  bool step();
  void take(Event event);
  void send_next(LoadId id);
  void look_over();
  std::optional<ports::Event> arrived(Machine& at, Event& event);
  void after_turn(Machine& at);
  void note_visible(Machine& at);
  void end(Machine& at, bool silent);
  void daemon_ends(Machine& at, std::string why);
  template <class Act>
  void run(Machine& at, Act&& act);
  void damaged(const Machine& at, const std::string& what);
  // ---- what people and faults do to a machine; nothing where there is nothing to do
  void kill(Machine& at, bool silent);
  void start(Machine& at);
  void pause(Machine& at);
  void resume(Machine& at);
  void shut_down(Machine& at);
  Injector::Hands hands();
  std::string leader() const;
  std::vector<std::string> voters() const;
  Result<TaskId> task_named(const std::string& name) const;
  bool kill_task(TaskId task, int signal);
  void note(const Machine& at, std::string_view what) {
    shared.recorder.record(shared.now, at.options.name, what, {});
  }
  void chronicle(const Machine& at, std::string_view state, std::string_view why) {
    if (shared.chronicle) shared.chronicle->machine_is(shared.now, at.index, state, why);
  }
  void record_chronicle();
  Address next_address() const {
    const std::size_t n = machines.size();
    return Address::v4(127, 0, static_cast<std::uint8_t>(1 + n / 250),
                       static_cast<std::uint8_t>(1 + n % 250));
  }

  const WorldOptions made_of;
  Shared shared;
  Network network;
  MeshNet mesh;
  CallBook calls;
  Checker checker;
  Machines machines;
  Injector injector;
  Watch watch;
  LoadBook loads;
  Journal journal;
  Player player;
  std::uint64_t steps = 0;                      // that were taken: events, and begins and ends of faults
  std::uint64_t changes = 0, raft_changes = 0;  // of what looks may show
  std::map<std::string, MachineIndex, std::less<>> names;
};

// ---- the loop
// ---------------------------------------------------------------------------------------------------

void World::Impl::take(Event event) {
  shared.now = std::max(shared.now, event.at);
  shared.recorder.count(event.at, event.machine, event.what.index());
  if (const auto* tick = std::get_if<LoadTick>(&event.what)) return send_next(tick->load);
  Machine& at = *machines[event.machine];
  if (event.life != 0 && event.life != at.life) return;
  const auto* step = std::get_if<MeshStep>(&event.what);
  if (step != nullptr && step->step == MeshStep::Step::timeout && step->attempt == 0)
    return mesh.arrived(event.machine, *step);  // whoever asked has no more patience
  if (at.paused) {
    at.waiting.push_back(std::move(event));
    return;
  }
  if (std::holds_alternative<GiveUpStopping>(event.what)) {
    if (!at.stopping) return;
    chronicle(at, "down", "did not stop in time (SIGKILL)");
    end(at, false);
    return;
  }
  if (step != nullptr) return mesh.arrived(event.machine, *step);
  if (at.must_wait(event)) return;
  if (std::holds_alternative<Wake>(event.what)) {
    run(at, [&] { at.wake(event.at); });
  } else if (auto happened = arrived(at, event); happened && at.alive()) {
    run(at, [&] {
      at.handle(std::move(*happened));
      at.turn();
    });
  } else {
    return;
  }
  if (at.alive()) after_turn(at);
}

// The engine's own checks end a daemon that no longer knows its own state, and not the world: once a disk has
// forgotten what it promised, that is the weather here and no bug. (Where the host's handler throws; else the
// process ends, as ever.)
template <class Act>
void World::Impl::run(Machine& at, Act&& act) {
  if (shared.damage.empty()) return act();
  std::string why;
  try {
    act();
  } catch (const std::exception& failed) {
    why = failed.what();
  }
  if (!why.empty() && at.alive()) daemon_ends(at, why);
}

std::optional<ports::Event> World::Impl::arrived(Machine& at, Event& event) {
  if (auto* deliver = std::get_if<Deliver>(&event.what)) return std::move(deliver->event);
  if (auto* frame = std::get_if<FrameArrives>(&event.what)) return network.arrived(std::move(*frame));
  if (auto* written = std::get_if<DiskWritten>(&event.what)) {
    at.disk.on_written(*written);
    return ports::DiskDone{written->token};
  }
  if (auto* moves = std::get_if<TaskMoves>(&event.what)) {
    ++changes;  // it may have written a line
    return at.runner.moved(*moves);
  }
  if (auto* connect = std::get_if<ConnectArrives>(&event.what)) return network.arrived(*connect);
  if (auto* accept = std::get_if<AcceptArrives>(&event.what)) return network.arrived(*accept);
  if (auto* close = std::get_if<CloseArrives>(&event.what)) return network.arrived(*close);
  if (auto* timeout = std::get_if<LinkTimeout>(&event.what)) return network.arrived(*timeout);
  return std::nullopt;
}

// By the agent's records and the process's own life; nothing that the mesh's machine says.
std::string World::Impl::objection(const Machine& at, TaskId task) {
  if (!at.alive()) return "has no daemon";
  const agent::Worker* worker = at.node->inspect().worker;
  if (worker == nullptr) return "is no member's";
  const auto local = worker->tasks().find(task);
  if (local == worker->tasks().end()) return "is not assigned to it";
  if (local->second.task.desired_state > model::TaskState::running) return "is to stop";
  if (at.runner.told_to_stop(task)) return "was told to stop";
  return {};
}

void World::Impl::note_visible(Machine& at) {
  const node::Visible now = at.node->visible();
  if (now.shown != at.visible.shown) ++changes;
  if (now.raft != at.visible.raft) {
    ++raft_changes;
    watch.raft_moved(at);
  }
  at.visible = now;
}

void World::Impl::after_turn(Machine& at) {
  if (!at.disk.failure().empty()) return daemon_ends(at, at.disk.failure());
  note_visible(at);
  if (shared.chronicle) shared.chronicle->turned(shared.now, at);
  if (watch.wants_turns()) watch.turned(at);
  if (shared.options.check) checker.after_turn(at.index, at.options.name, *at.node, at.disk);
  if (at.stopping && at.node->stopped()) {
    at.disk.sync();
    chronicle(at, "down", "stopped in order (SIGTERM)");
    end(at, false);
  }
}

// As swarmd does: a sentence, and its end.
void World::Impl::daemon_ends(Machine& at, std::string why) {
  shared.recorder.record(shared.now, at.options.name, "sim.disk", "the daemon ends: " + why);
  chronicle(at, "down", why);
  at.stopping = false;
  end(at, false);
  at.disk_failed = true;
}

// What no member of a Raft group may do: from now on a broken invariant may be the disk's doing.
void World::Impl::damaged(const Machine& at, const std::string& what) {
  if (what.empty()) return;
  shared.recorder.record(shared.now, at.options.name, "sim.disk", what);
  shared.damage += (shared.damage.empty() ? "" : "; ") + at.options.name + "'s disk " + what + " at " +
                   to_string(shared.now - Instant{});
}

void World::Impl::end(Machine& at, bool silent) {
  const bool orderly = at.stopping;
  ++changes;
  at.end(silent);
  if (!orderly) damaged(at, at.disk.crash());
  checker.machine_ended(at.index);
  injector.machine_ended(at);
}

// ---- machines
// -----------------------------------------------------------------------------------------------------

World::World(WorldOptions options) : impl_(std::make_unique<Impl>(options)) {}
World::~World() = default;

void World::add_machine(MachineOptions options) {
  Impl& world = *impl_;
  const auto written = world.input([&] { return inputs::AddMachine{options}; });
  SWARM_CHECK(!world.names.contains(options.name), "there is a machine of this name:", options.name);
  if (options.address.is_unspecified()) options.address = world.next_address();
  const auto index = static_cast<MachineIndex>(world.machines.size());
  world.names[options.name] = index;
  world.network.add_machine(options.address);
  world.machines.push_back(std::make_unique<Machine>(world.shared, world.network, world.mesh, world.calls,
                                                     index, std::move(options)));
  world.mesh.add_machine(world.machines.back()->mesh, world.machines.back()->options.address);
  if (world.shared.chronicle) {
    world.shared.chronicle->machine_added(world.shared.now, world.machines.back()->options.name);
    world.chronicle(*world.machines.back(), "up", "added");
  }
  world.machines.back()->start();
  world.after_turn(*world.machines.back());
}

std::vector<std::string> World::machines() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines) names.push_back(machine->options.name);
  return names;
}

bool World::has_machine(std::string_view name) const { return impl_->names.contains(name); }
bool World::alive(std::string_view name) const { return impl_->machine(name).alive(); }
std::vector<std::string> World::dead() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (!machine->alive()) names.push_back(machine->options.name);
  return names;
}

void World::Impl::kill(Machine& at, bool silent) {
  if (!at.alive()) return;
  note(at, silent ? "sim.power_off" : "sim.crash");
  chronicle(at, "down", silent ? "power off" : "killed (SIGKILL)");
  at.stopping = false;
  end(at, silent);
}

void World::Impl::start(Machine& at) {
  if (at.alive()) return;
  note(at, "sim.start");
  chronicle(at, "up", "started again");
  ++changes;
  at.disk.sync();  // nothing is under way but what a test has written
  if (at.disk.take_copy()) damaged(at, "came back as an older copy");
  std::string why = at.disk.open();
  if (why.empty()) run(at, [&] { why = at.start(); });
  if (!why.empty()) {
    at.disk_failed = true;
    shared.recorder.record(shared.now, at.options.name, "sim.disk", "the daemon does not start: " + why);
    return chronicle(at, "down", why);
  }
  if (at.alive()) after_turn(at);
}

void World::Impl::pause(Machine& at) {
  if (!at.alive() || at.paused) return;
  note(at, "sim.pause");
  chronicle(at, "frozen", "stopped (SIGSTOP)");
  ++changes;
  at.pause();
}

void World::Impl::resume(Machine& at) {
  if (!at.alive() || !at.paused) return;
  note(at, "sim.resume");
  chronicle(at, "up", "goes on (SIGCONT)");
  ++changes;
  at.resume();
}

void World::Impl::shut_down(Machine& at) {
  if (!at.alive() || at.stopping || at.paused) return;  // a stopped process does not hear SIGTERM
  note(at, "sim.shut_down");
  chronicle(at, "stopping", "told to stop (SIGTERM)");
  at.shut_down();
  after_turn(at);
}

void World::crash(std::string_view name) {
  const auto written = impl_->deed<inputs::Crash>(name);
  impl_->kill(impl_->machine(name), false);
}
void World::power_off(std::string_view name) {
  const auto written = impl_->deed<inputs::PowerOff>(name);
  impl_->kill(impl_->machine(name), true);
}
void World::start(std::string_view name) {
  const auto written = impl_->deed<inputs::Start>(name);
  impl_->start(impl_->machine(name));
}
void World::pause(std::string_view name) {
  const auto written = impl_->deed<inputs::Pause>(name);
  impl_->pause(impl_->machine(name));
}
void World::resume(std::string_view name) {
  const auto written = impl_->deed<inputs::Resume>(name);
  impl_->resume(impl_->machine(name));
}
void World::shut_down(std::string_view name) {
  const auto written = impl_->deed<inputs::ShutDown>(name);
  impl_->shut_down(impl_->machine(name));
}

const node::Node& World::node(std::string_view name) const {
  const Machine& at = impl_->machine(name);
  SWARM_CHECK(at.alive(), name, "is not alive");
  return *at.node;
}

Address World::address(std::string_view name) const { return impl_->machine(name).options.address; }

// ---- faults
// -----------------------------------------------------------------------------------------------------

void World::cut(std::string_view from, std::string_view to) {
  const auto written = impl_->input([&] { return inputs::Cut{std::string(from), std::string(to)}; });
  ++impl_->changes;
  impl_->network.cut(impl_->machine(from).index, impl_->machine(to).index);
}

void World::mend(std::string_view from, std::string_view to) {
  const auto written = impl_->input([&] { return inputs::Mend{std::string(from), std::string(to)}; });
  ++impl_->changes;
  impl_->network.mend(impl_->machine(from).index, impl_->machine(to).index);
}

void World::partition(const std::vector<std::vector<std::string>>& groups) {
  const auto written = impl_->input([&] { return inputs::Partition{groups}; });
  for (const auto& group : groups)
    for (const auto& other : groups) {
      if (&group == &other) continue;
      for (const auto& from : group)
        for (const auto& to : other) cut(from, to);
    }
}

void World::heal() {
  const auto written = impl_->input([] { return inputs::Heal{}; });
  ++impl_->changes;
  impl_->network.heal();
  impl_->injector.heal();
}

Result<FaultId> World::begin_fault(const faults::Fault& fault) {
  const auto written = impl_->input([&] { return inputs::BeginFault{fault}; });
  auto begun = impl_->injector.begin(fault);
  if (begun) written.gave(*begun);
  return begun;
}
Result<void> World::end_fault(FaultId id) {
  const auto written = impl_->input([&] { return inputs::EndFault{id}; });
  return impl_->injector.end(id);
}
std::vector<std::pair<FaultId, faults::Fault>> World::active_faults() const {
  return impl_->injector.active();
}
faults::Plan World::fault_history() const { return impl_->injector.history(); }
Result<std::vector<FaultId>> World::run_plan(const faults::Plan& plan) {
  const auto written = impl_->input([&] { return inputs::RunPlan{plan}; });
  auto ids = impl_->injector.run(plan);
  if (ids && !ids->empty()) written.gave(ids->front());
  return ids;
}
void World::quiet(bool on) {
  const auto written = impl_->input([&] { return inputs::Quiet{on}; });
  impl_->injector.quiet(on);
}
void World::leave_out(std::size_t fault) {
  const auto written = impl_->input([&] { return inputs::LeaveOut{fault}; });
  impl_->injector.leave_out(fault);
}

Injector::Hands World::Impl::hands() {
  return {[this](Machine& at) { kill(at, false); },
          [this](Machine& at) { kill(at, true); },
          [this](Machine& at) { shut_down(at); },
          [this](Machine& at) { start(at); },
          [this](Machine& at) { pause(at); },
          [this](Machine& at) { resume(at); },
          [this](Machine& at, std::uint32_t port, bool taken) { mesh.occupy(at.index, port, taken); },
          [this] { return leader(); },
          [this] { return voters(); },
          [this](const std::string& name) { return task_named(name); },
          [this](TaskId task) { return kill_task(task, 9); },
          [this](const std::string& name) {
            const Machine& at = machine(name);
            const CallId id = calls.open(at.index);
            calls.forget(id);  // nobody waits for the answer
            shared.queue.push(shared.now + kDoorLatency, at.index, at.life,
                              Deliver{ports::ApiArrived{id, post("/swarmpy/v1/raft/transfer")}});
          },
          [this] { ++changes; },
          [this] {
            while (next_event() <= shared.now) step();
          }};
}

std::string World::Impl::leader() const {
  const Witness witness = find_witness(machines, network, nullptr);
  return witness.standing == Standing::leads ? witness.machine->options.name : std::string();
}

// In the order of their making; those that are down, too.
std::vector<std::string> World::Impl::voters() const {
  const Witness witness = find_witness(machines, network, nullptr);
  if (witness.machine == nullptr || !witness.machine->alive()) return {};
  const store::Store* store = witness.machine->node->inspect().store;
  if (store == nullptr) return {};
  std::set<std::string> managers;
  for (const auto& [id, node] : store->nodes())
    if (node->role == model::NodeRole::manager) managers.insert(node->description.hostname);
  std::vector<std::string> found;
  for (const auto& machine : machines)
    if (managers.contains(machine->options.name)) found.push_back(machine->options.name);
  return found;
}

// By its id, or as "web.1": the task that runs in the slot, or on the node ("web.w1").
Result<TaskId> World::Impl::task_named(const std::string& name) const {
  std::vector<std::string> known;
  for (const auto& machine : machines) {
    if (!machine->alive()) continue;
    for (const auto& [task, shown] : machine->runner.running()) {
      if (name == task.str() || name == shown) return task;
      known.push_back(shown);
    }
  }
  return faults::unknown("running task", name, known);
}

bool World::Impl::kill_task(TaskId task, int signal) {
  return std::any_of(machines.begin(), machines.end(),
                     [&](auto& machine) { return machine->alive() && machine->runner.kill(task, signal); });
}

void World::set_network(const NetworkOptions& options) {
  const auto written = impl_->input([&] { return inputs::SetNetwork{options}; });
  impl_->shared.options.network = options;
}

ports::Disk& World::disk_of_dead(std::string_view name) {
  const auto written = impl_->deed<inputs::DiskByHand>(name);
  Machine& at = impl_->machine(name);
  SWARM_CHECK(!at.alive(), at.options.name, "lives: its disk is its own");
  return at.disk;
}

void World::set_disk_latency(std::string_view name, Duration min, Duration max) {
  const auto written = impl_->input([&] { return inputs::SetDiskLatency{std::string(name), min, max}; });
  impl_->machine(name).disk.set_latency(min, max);
}

bool World::kill_task(TaskId task, int signal) {
  const auto written = impl_->input([&] { return inputs::KillTask{task, signal}; });
  return impl_->kill_task(task, signal);
}

void World::set_image(std::string reference, const ImageScript& script) {
  const auto written = impl_->input([&] { return inputs::SetImage{reference, script}; });
  impl_->shared.scripts[std::move(reference)] = script;
}

// ---- the front door
// -----------------------------------------------------------------------------------------------

CallId World::call(std::string_view name, http::Request request) {
  const auto written = impl_->input([&] { return inputs::CallMachine{std::string(name), request}; });
  Machine& at = impl_->machine(name);
  const CallId id = impl_->calls.open(at.index);
  written.gave(id);
  impl_->watch.asked_api(id, request.method, request.target);
  Chronicle* const chronicle = impl_->shared.chronicle.get();
  if (chronicle != nullptr) chronicle->asked(now(), id, at.index, request.method, request.target);
  if (!at.alive()) {
    Reply& reply = impl_->calls.find(id)->reply;
    reply.ended = reply.cut = true;
    if (chronicle != nullptr) chronicle->answered(now(), id, 0, "connection refused");
    return id;
  }
  impl_->shared.queue.push(now() + kDoorLatency, at.index, at.life,
                           Deliver{ports::ApiArrived{id, std::move(request)}});
  return id;
}

const Reply& World::reply(CallId id) const {
  const Call* call = impl_->calls.find(id);
  SWARM_CHECK(call != nullptr, "no such call", id);
  return call->reply;
}

std::string World::take_body(CallId id) {
  Call* call = impl_->calls.find(id);
  return call == nullptr ? std::string() : std::exchange(call->reply.body, {});
}

void World::hang_up(CallId id) {
  const auto written = impl_->input([&] { return inputs::HangUp{id}; });
  const Call* call = impl_->calls.find(id);
  if (call == nullptr) return;
  const Machine& at = *impl_->machines[call->machine];
  if (!call->reply.ended && at.alive())
    impl_->shared.queue.push(now() + kDoorLatency, at.index, at.life, Deliver{ports::ApiAborted{id}});
  impl_->calls.forget(id);
}

Reply World::ask(std::string_view machine, http::Request request, Duration timeout) {
  const CallId id = call(machine, std::move(request));
  run_until([&] { return reply(id).ended; }, timeout);
  Reply out = reply(id);
  hang_up(id);
  return out;
}

// ---- looks

Look World::Impl::shown_by(const Machine& at, const http::Request& request, bool last_known) const {
  if (at.paused) return {Look::How::silent, false, {}};
  const auto source = [&](TaskId task, const wire::LogOptions& options) { return output(at, task, options); };
  auto answer = at.node->look(request, at.clock.local(), last_known, source);
  if (!answer) return {Look::How::takes_time, false, {}};
  return {Look::How::answered, last_known, std::move(*answer)};
}

static Result<std::vector<wire::LogLine>> output_of(const Machine& at, TaskId task,
                                                    const wire::LogOptions& options) {
  if (auto lines = at.runner.past(task, options)) return std::move(*lines);
  return plain_error(Code::not_found, "task " + task.str() + ": " + ports::kNoOutput);
}

// What the node that runs the task keeps of its output, where `at` can reach it.
Result<std::vector<wire::LogLine>> World::Impl::output(const Machine& at, TaskId task,
                                                       const wire::LogOptions& options) const {
  const store::Store* store = at.node->inspect().store;
  const auto placed = store == nullptr ? nullptr : store->task(task);
  if (!placed) return output_of(at, task, options);
  for (const auto& other : machines)
    if (other->alive() && !other->paused && other->node->inspect().id == placed->node_id &&
        reach(network, at, *other))
      return output_of(*other, task, options);
  const auto node = store->node(placed->node_id);
  const std::string name = node ? node->description.hostname : placed->node_id.str();
  return plain_error(Code::unavailable, "node " + name + " is not available");
}

Look World::look(std::string_view name, const http::Request& request) const {
  const Machine* asked = name.empty() ? nullptr : &impl_->machine(name);
  if (asked != nullptr && !asked->alive()) return {Look::How::dead, false, {}};
  const bool own =
      docker::Api::scope(request) == docker::Scope::local || request.header("swarmpy-consistency") == "local";
  if (asked != nullptr && (asked->paused || own || !asked->node->inspect().is_manager))
    return impl_->shown_by(*asked, request, false);
  const Witness witness = find_witness(impl_->machines, impl_->network, asked);
  if (witness.standing == Standing::nobody) return {Look::How::dead, false, {}};
  if (witness.standing == Standing::no_quorum && !own)
    return {Look::How::answered, false, node::Node::without_leader()};
  return impl_->shown_by(*witness.machine, request, witness.standing == Standing::last_known && !own);
}

std::string World::leader() const { return impl_->leader(); }

std::vector<std::string> World::managers() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (machine->alive() && machine->node->inspect().is_manager) names.push_back(machine->options.name);
  return names;
}

std::vector<std::string> World::voters() const { return impl_->voters(); }

std::uint64_t World::changes() const { return impl_->changes; }
std::uint64_t World::raft_changes() const { return impl_->raft_changes; }
std::string World::counted(std::string_view name) const {
  return docker::exposition(node::counters(*impl_->machine(name).meters));
}

bool World::is_open(const Gate& gate) const {
  const Witness witness = find_witness(impl_->machines, impl_->network, nullptr);
  if (witness.standing != Standing::leads) return false;
  const auto names = dead();
  return sim::is_open(gate, *witness.machine->node->inspect().store, {names.begin(), names.end()});
}

// ---- published ports

RequestId World::http_get(std::string_view name, std::uint32_t port) {
  const auto written = impl_->input([&] { return inputs::HttpGet{std::string(name), port}; });
  const Machine& at = impl_->machine(name);
  const RequestId id = at.alive() ? impl_->mesh.request(at.index, port) : impl_->mesh.refused(at.index, port);
  written.gave(id);
  return id;
}

HttpReply World::http_reply(RequestId id) const {
  const HttpReply* reply = impl_->mesh.find(id);
  SWARM_CHECK(reply != nullptr, "no such request", id);
  return *reply;
}

void World::http_forget(RequestId id) {
  const auto written = impl_->input([&] { return inputs::HttpForget{id}; });
  impl_->mesh.forget(id);
}

HttpReply World::fetch(std::string_view machine, std::uint32_t port) {
  const RequestId id = http_get(machine, port);
  run_until([&] { return http_reply(id).ended; }, Duration::seconds(15));
  HttpReply out = http_reply(id);
  http_forget(id);
  return out;
}

void World::occupy_port(std::string_view name, std::uint32_t port, bool taken) {
  const auto written = impl_->input([&] { return inputs::OccupyPort{std::string(name), port, taken}; });
  impl_->mesh.occupy(impl_->machine(name).index, port, taken);
}

// ---- loads

void World::Impl::send_next(LoadId id) {
  Load* load = loads.find(id);
  if (load == nullptr) return;
  const Machine& at = *machines[load->target()];
  if (at.alive()) {
    mesh.request(at.index, load->port, id);
  } else {
    mesh.refused(at.index, load->port, id);
  }
  shared.requests.give_up(shared.now - kPatience, shared.now);
  ++load->sent;
  if (load->due() < load->end) shared.queue.push(load->due(), at.index, 0, LoadTick{id});
}

LoadId World::begin_load(const LoadOptions& options) {
  const auto written = impl_->input([&] {
    return inputs::BeginLoad{options.port, options.per_1000_seconds, {options.machines}, options.span};
  });
  SWARM_CHECK(!options.machines.empty() && options.per_1000_seconds > 0, "a load without clients");
  Load load;
  load.port = options.port;
  load.per_1000_seconds = options.per_1000_seconds;
  load.begin = now();
  if (options.span) load.end = now() + *options.span;
  for (const auto& name : options.machines) load.machines.push_back(impl_->machine(name).index);
  const MachineIndex first = load.target();
  const LoadId id = impl_->loads.open(std::move(load));
  note("sim.load", std::to_string(id) + " port " + std::to_string(options.port));
  impl_->shared.queue.push(now(), first, 0, LoadTick{id});
  return id;
}

void World::end_load(LoadId id) {
  const auto written = impl_->input([&] { return inputs::EndLoad{id}; });
  if (impl_->loads.find(id) == nullptr) return;
  impl_->loads.close(id);
  note("sim.load_ends", std::to_string(id));
}

void World::give_up_requests() {
  const auto written = impl_->input([] { return inputs::GiveUpRequests{}; });
  impl_->shared.requests.give_up(now() - kPatience, now());
}

const RequestLog& World::requests() const { return impl_->shared.requests; }

// ---- what must hold

Watch& World::watch() { return impl_->watch; }

void World::look_over() { impl_->look_over(); }

void World::Impl::look_over() {
  watch.happened(changes, [&](CallId id) -> const Reply* {
    const Call* call = calls.find(id);
    return call == nullptr ? nullptr : &call->reply;
  });
}

std::vector<std::string> World::leaders() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (machine->alive() && machine->node->inspect().is_leader) names.push_back(machine->options.name);
  return names;
}

std::uint64_t World::term() const {
  std::uint64_t newest = 0;
  for (const auto& machine : impl_->machines) {
    if (!machine->alive()) continue;
    const node::Inspection seen = machine->node->inspect();
    if (seen.is_manager && seen.raft != nullptr) newest = std::max(newest, seen.raft->term());
  }
  return newest;
}

void World::mark_broken(const std::string& check, const std::string& what) {
  if (impl_->shared.chronicle) impl_->shared.chronicle->broken(now(), check, what);
}

// ---- time
// -----------------------------------------------------------------------------------------------------------

Instant World::now() const { return impl_->shared.now; }
WallTime World::wall() const { return impl_->shared.wall(); }
Instant World::next_event() const { return impl_->player.next(impl_->steps, impl_->next_event()); }

Instant World::Impl::next_event() const {
  const Instant queued = shared.queue.next();
  return std::min(queued, injector.due());
}

bool World::step() {
  if (const JournalEntry* told = impl_->player.due(impl_->steps, impl_->next_event())) {
    impl_->shared.now = std::max(now(), told->when.at);
    impl_->player.tell_next(*this);
    return true;
  }
  if (impl_->player.is_over(impl_->steps)) return false;
  const Journal::Inside inside(impl_->journal);
  return impl_->step();
}

bool World::Impl::step() {
  if (injector.due() < shared.queue.next()) {
    ++steps;
    shared.now = std::max(shared.now, injector.due());
    injector.move();
    look_over();
    return true;
  }
  if (shared.queue.empty()) return false;
  ++steps;
  take(shared.queue.pop());
  look_over();
  return true;
}

void World::run_for(Duration span) { run_until(now() + span); }

void World::run_until(Instant when) {
  while (next_event() <= when && step()) continue;
  impl_->shared.now = std::max(now(), when);
}

bool World::run_until(const std::function<bool()>& done, Duration timeout) {
  const Instant end = now() + timeout;
  while (!done()) {
    if (next_event() > end || !step()) {
      impl_->shared.now = end;
      return done();
    }
  }
  return true;
}

// ---- the journal

const Journal& World::journal() const { return impl_->journal; }

std::string World::journal_text() const {
  return to_text(impl_->made_of, impl_->journal.entries(), impl_->moment(), trace_hash());
}

void World::play(std::shared_ptr<const RecordedRun> run) { impl_->player.play(std::move(run)); }
void World::let_go(bool inputs, std::shared_ptr<const References> references) {
  impl_->player.let_go(inputs, std::move(references));
}
std::optional<std::size_t> World::input_due() const {
  const bool due = impl_->player.due(impl_->steps, impl_->next_event()) != nullptr;
  return due ? std::optional(impl_->player.next_index()) : std::nullopt;
}
bool World::plays() const { return impl_->player.plays(); }
std::uint64_t World::steps() const { return impl_->steps; }

std::string World::coming() const {
  if (const JournalEntry* told = impl_->player.due(impl_->steps, impl_->next_event()))
    return "input: " + in_words(told->input);
  if (next_event() == Instant::never()) return {};
  if (impl_->injector.due() < impl_->shared.queue.next()) return "a fault begins or ends";
  const Event& next = impl_->shared.queue.front();
  return impl_->machines[next.machine]->options.name + ": " + std::string(word(next.what));
}

void World::reseed(std::uint64_t seed) {
  const auto written = impl_->input([&] { return inputs::Reseed{seed}; });
  impl_->network.reseed(part_rng(seed, ~std::uint64_t{0}, 0));
  impl_->mesh.reseed(part_rng(seed, ~std::uint64_t{0}, 1));
  impl_->shared.options.seed = seed;  // of daemons that are started later
  for (auto& machine : impl_->machines) machine->reseed(seed);
}

// ---- what happened
// --------------------------------------------------------------------------------------------------

std::uint64_t World::seed() const { return impl_->made_of.seed; }
std::uint64_t World::trace_hash() const { return impl_->shared.recorder.hash(); }
std::uint64_t World::events() const { return impl_->shared.recorder.events(); }

std::vector<World::TraceLine> World::take_trace() {
  std::vector<TraceLine> lines;
  for (auto& line : impl_->shared.recorder.take())
    lines.push_back({line.at, std::move(line.machine), std::move(line.kind), std::move(line.text)});
  return lines;
}

void World::note(std::string_view kind, std::string text) {
  const auto written = impl_->input([&] { return inputs::Note{std::string(kind), text}; });
  impl_->shared.recorder.record(now(), "", kind, std::move(text));
}

void World::Impl::record_chronicle() {
  shared.chronicle = std::make_unique<Chronicle>(shared.now);
  for (const auto& at : machines) {
    shared.chronicle->machine_added(shared.now, at->options.name);
    chronicle(*at, !at->alive() ? "down" : at->paused ? "frozen" : "up", "when the recording began");
  }
  for (const auto& at : machines)
    if (at->alive()) shared.chronicle->turned(shared.now, *at);
  injector.chronicle_active();
}

void World::record_chronicle(bool on) {
  if (!on) impl_->shared.chronicle.reset();
  if (on && !impl_->shared.chronicle) impl_->record_chronicle();
}

bool World::records_chronicle() const { return impl_->shared.chronicle != nullptr; }

std::string World::chronicle() const {
  return impl_->shared.chronicle ? impl_->shared.chronicle->json(now(), seed()) : std::string();
}

void World::check_all() {
  for (const auto& machine : impl_->machines)
    if (machine->alive())
      impl_->checker.check_all(machine->index, machine->options.name, *machine->node, machine->disk);
}

}  // namespace swarm::sim
