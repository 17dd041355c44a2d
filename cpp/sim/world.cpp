// The one loop; a World's calls for machines, time, the journal, the trace.
#include "sim/world.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/overloaded.hpp"
#include "base/time.hpp"
#include "model/feature_level.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "ports/ports.hpp"
#include "raft/message.hpp"
#include "sim/chronicle.hpp"
#include "sim/event_queue.hpp"
#include "sim/inputs.hpp"
#include "sim/journal.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/references.hpp"
#include "sim/shared.hpp"
#include "sim/world_impl.hpp"

namespace swarm::sim {

// ---- the loop

void World::Impl::take(Event event) {
  shared.now = std::max(shared.now, event.at);
  shared.recorder.count(event.at, event.machine, event.what.index());
  if (const auto* tick = std::get_if<LoadTick>(&event.what)) return send_next(tick->load);
  Machine& at = *machines[event.machine];
  if (event.life != 0 && event.life != at.life) return;
  const auto* step = std::get_if<MeshStep>(&event.what);
  if (step != nullptr && step->step == MeshStep::Step::timeout && step->attempt == 0)
    return mesh.arrived(event.machine, *step);  // the client has waited long enough
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
  using Arrived = std::optional<ports::Event>;
  return std::visit(Overloaded{
                        [](Deliver& deliver) -> Arrived { return std::move(deliver.event); },
                        [&](FrameArrives& frame) -> Arrived { return network.arrived(std::move(frame)); },
                        [&](const DiskWritten& written) -> Arrived {
                          at.disk.on_written(written);
                          if (written.synced && killed_at_disk(at, true)) return {};
                          return ports::DiskDone{written.token};
                        },
                        [&](const TaskMoves& moves) -> Arrived {
                          ++changes;  // it may have written a line
                          return at.runner.moved(moves);
                        },
                        [&](const ConnectArrives& connect) -> Arrived { return network.arrived(connect); },
                        [&](const AcceptArrives& accept) -> Arrived { return network.arrived(accept); },
                        [&](const CloseArrives& close) -> Arrived { return network.arrived(close); },
                        [&](const LinkTimeout& timeout) -> Arrived { return network.arrived(timeout); },
                        // Not for the node: `take` has dealt with them.
                        [](const Wake&) -> Arrived { return {}; },
                        [](const TurnOver&) -> Arrived { return {}; },
                        [](const GiveUpStopping&) -> Arrived { return {}; },
                        [](const MeshStep&) -> Arrived { return {}; },
                        [](const LoadTick&) -> Arrived { return {}; },
                    },
                    event.what);
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

// What was asked for speaks first. Once a disk has lost what was durable, Raft promises nothing more,
// and a test that asked for invariants needs to see those break.
bool World::Impl::own_rules_hold() const {
  return !watch.broken() && (shared.damage.empty() || !watch.asks());
}

void World::Impl::after_turn(Machine& at) {
  note_visible(at);
  if (shared.chronicle) shared.chronicle->turned(shared.now, at);
  if (watch.wants_turns()) watch.turned(at);
  checker.judge(own_rules_hold());
  if (shared.options.check) checker.after_turn(at);
  if (killed_at_disk(at, false)) return;
  if (at.stopping && at.node->stopped()) {
    at.disk.sync();
    chronicle(at, "down", "stopped in order (SIGTERM)");
    end(at, false);
  }
}

bool World::Impl::killed_at_disk(Machine& at, bool durable) {
  const bool is_new = std::exchange(at.operations_seen, at.disk.operations()) != at.disk.operations();
  if (!at_disk || (!is_new && !durable)) return false;
  const auto kept = at_disk({at.options.name, at.disk.unsynced(), durable});
  if (!kept) return false;
  at.disk.keep_at_crash(*kept);
  kill(at, false);
  return true;
}

// Of its own checks, once a disk has forgotten.
void World::Impl::daemon_ends(Machine& at, const std::string& why) {
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

World::World(WorldOptions options) : impl_(std::make_unique<Impl>(options)) {}
World::~World() = default;

void World::add_machine(MachineOptions options) {
  const auto written = impl_->input([&] { return inputs::AddMachine{options}; });
  Machine& made = impl_->make_machine(std::move(options));
  impl_->chronicle(made, "up", "added");
  made.start();
  impl_->after_turn(made);
}

Machine& World::Impl::make_machine(MachineOptions options) {
  SWARM_CHECK(!names.contains(options.name), "there is a machine of this name:", options.name);
  if (options.address.is_unspecified()) options.address = next_address();
  const auto index = static_cast<MachineIndex>(machines.size());
  names[options.name] = index;
  network.add_machine(options.address);
  machines.push_back(std::make_unique<Machine>(shared, network, mesh, calls, index, std::move(options)));
  Machine& made = *machines.back();
  mesh.add_machine(made.mesh, made.options.address);
  if (shared.chronicle) shared.chronicle->machine_added(shared.now, made.options.name);
  return made;
}

std::vector<std::string> World::machines() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (!machine->is_clone()) names.push_back(machine->options.name);
  return names;
}

bool World::has_machine(std::string_view name) const { return impl_->names.contains(name); }
bool World::alive(std::string_view name) const { return impl_->machine(name).alive(); }
std::uint32_t World::lives(std::string_view name) const { return impl_->machine(name).life; }
std::vector<std::string> World::dead() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (!machine->alive() && !machine->is_clone()) names.push_back(machine->options.name);
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
  if (const std::string what = at.disk.take_altered(); !what.empty()) {
    shared.altered[at.index] = raft::kNone;
    damaged(at, "has another value of " + what);
  }
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

void World::set_build(std::string_view name, const model::Build& build) {
  const auto written = impl_->input([&] { return inputs::SetBuild::of(name, build); });
  Machine& at = impl_->machine(name);
  at.build = build;
  model::Build& newest = impl_->shared.build;
  if (build.feature_level >= newest.feature_level) newest = build;
  impl_->note(at, "sim.build");
}

const node::Node& World::node(std::string_view name) const {
  const Machine& at = impl_->machine(name);
  SWARM_CHECK(at.alive(), name, "is not alive");
  return *at.node;
}

Address World::address(std::string_view name) const { return impl_->machine(name).options.address; }

// ---- time

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
void World::let_go(std::size_t inputs, std::shared_ptr<const References> references) {
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
    if (machine->alive()) impl_->checker.check_all(*machine);
}

}  // namespace swarm::sim
