#include "sim/machine.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/time.hpp"
#include "model/builtin_plugins.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "sim/event_queue.hpp"
#include "sim/machine_index.hpp"
#include "sim/network.hpp"
#include "sim/shared.hpp"
#include "sim/sim_mesh.hpp"
#include "sim/sim_runner.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kStopPatience = Duration::seconds(15);
constexpr int kMaxWakesAtOnce = 10'000;

}  // namespace

// ---- answers of the API

CallId CallBook::open(MachineIndex machine) {
  Call& call = calls_[++last_];
  call.machine = machine;
  call.reply.head.status = 0;  // until it has begun
  return last_;
}

Call* CallBook::find(CallId id) {
  const auto it = calls_.find(id);
  return it == calls_.end() ? nullptr : &it->second;
}

void CallBook::begin(ports::ApiId id, http::ResponseHead head) {
  Call* call = find(id);
  if (call == nullptr) return;  // hung up
  SWARM_CHECK(!call->reply.begun, "request", id, "is answered twice");
  call->reply.begun = true;
  call->reply.head = std::move(head);
}

void CallBook::piece(ports::ApiId id, std::string bytes) {
  Call* call = find(id);
  if (call == nullptr) return;
  SWARM_CHECK(call->reply.begun && !call->reply.ended, "request", id, "a piece out of place");
  call->reply.body += bytes;
}

void CallBook::end(ports::ApiId id) {
  Call* call = find(id);
  if (call == nullptr) return;
  SWARM_CHECK(call->reply.begun && !call->reply.ended, "request", id, "an end out of place");
  call->reply.ended = true;
  note_end(id, call->reply);
}

void CallBook::cut(ports::ApiId id) {
  Call* call = find(id);
  if (call == nullptr) return;
  SWARM_CHECK(call->reply.begun && !call->reply.ended, "request", id, "a cut out of place");
  call->reply.ended = call->reply.cut = true;
  note_end(id, call->reply);
}

void CallBook::machine_ended(MachineIndex machine) {
  for (auto& [id, call] : calls_) {
    if (call.machine != machine || call.reply.ended) continue;
    call.reply.ended = call.reply.cut = true;
    note_end(id, call.reply);
  }
}

void CallBook::note_end(CallId id, Reply& reply) {
  reply.ended_at = shared_.now;
  if (!shared_.chronicle) return;
  std::string error = reply.cut ? "the connection broke off" : "";
  if (reply.head.status >= 400) error = reply.body;
  shared_.chronicle->answered(shared_.now, id, reply.head.status, std::move(error));
}

// ---- one daemon

Machine::Machine(Shared& world, Network& net, MeshNet& meshes, CallBook& book, MachineIndex machine_index,
                 MachineOptions machine_options)
    : shared(world),
      network(net),
      calls(book),
      index(machine_index),
      options(std::move(machine_options)),
      hostname(options.name),
      clock(world),
      transport(net, machine_index, clock),
      disk(world, machine_index, part_rng(world.options.seed, machine_index, 1)),
      runner(world, machine_index, part_rng(world.options.seed, machine_index, 2)),
      mesh_net(meshes),
      mesh(meshes, machine_index),
      overlay(world, machine_index),
      crypto(part_rng(world.options.seed, machine_index, 3)),
      trace(world, options.name) {}

std::string Machine::start() {
  ++life;
  disk_failed = false;
  disk.set_life(life);
  runner.set_life(life);
  overlay.set_life(life);
  network.machine_started(index);
  node::NodeOptions node_options;
  auto& description = node_options.description;
  description.hostname = hostname;
  description.platform = {"x86_64", "linux"};
  description.resources = options.resources;
  description.engine_version = "28.2.2";
  description.engine_labels = options.engine_labels;
  description.plugins = model::builtin_plugins({kExecutor}, true);
  node_options.operating_system = node_options.kernel_version = "simulated";
  node_options.overlay_networks = "simulated";
  node_options.address = options.address;
  node_options.data_root = "/var/lib/swarmpy/" + options.name;
  node_options.seed = part_rng(shared.options.seed, index, 100 + life).next();
  node_options.meters = meters;
  node_options.build = build;
  node = std::make_unique<node::Node>(
      std::move(node_options),
      ports::Ports{clock, transport, disk, runner, mesh, overlay, crypto, calls, trace});
  const auto started = node->start(clock.local());
  if (!started.ok() && !shared.damage.empty()) {
    node.reset();
    return started.error().message;
  }
  SWARM_CHECK(started.ok(), options.name, "does not start:", started.ok() ? "" : started.error().message);
  turn();
  return {};
}

void Machine::turn() {
  node->turn(clock.local());
  plan_wake();
}

void Machine::plan_wake() {
  const Instant next = std::max(clock.world_of(node->next_deadline()), shared.now);
  if (next == Instant::never() || next >= wake_) return;
  wake_ = next;
  shared.queue.push(next, index, life, Wake{});
}

// A wake-up that was overtaken by an earlier one does nothing; one that came too early plans the next.
void Machine::wake(Instant at) {
  if (at != wake_) return;
  wake_ = Instant::never();
  wakes_now_ = at == last_wake_ ? wakes_now_ + 1 : 0;
  last_wake_ = at;
  SWARM_CHECK(wakes_now_ < kMaxWakesAtOnce, options.name, "wants to be woken at once, for ever");
  if (node->next_deadline() <= clock.local()) {
    turn();
  } else {
    plan_wake();
  }
}

void Machine::end(bool silent) {
  node.reset();
  ++life;
  paused = stopping = false;
  waiting.clear();
  wake_ = Instant::never();
  network.machine_ended(index, silent);
  mesh_net.machine_ended(index, silent);
  runner.crash();
  calls.machine_ended(index);
}

void Machine::resume() {
  paused = false;
  let_go();
}

void Machine::let_go() {
  wake_ = Instant::never();
  for (auto& event : std::exchange(waiting, {}))
    if (!std::holds_alternative<Wake>(event.what) && !std::holds_alternative<TurnOver>(event.what))
      shared.queue.push(shared.now, event.machine, event.life, std::move(event.what));
  plan_wake();
}

void Machine::set_turn(Duration takes) {
  turn_takes = takes;
  busy_until = shared.now;
  if (!waiting.empty() && !paused) let_go();
}

// One event at a time: the next one when the turn is over.
bool Machine::must_wait(Event& event) {
  const bool over = std::holds_alternative<TurnOver>(event.what);
  if (turn_takes == Duration{} || !alive()) return over;
  if (!over && (shared.now < busy_until || !waiting.empty())) {
    if (waiting.empty()) shared.queue.push(busy_until, index, life, TurnOver{});
    waiting.push_back(std::move(event));
    return true;
  }
  if (over && waiting.empty()) return true;
  if (over) {
    event = std::move(waiting.front());
    waiting.pop_front();
  }
  busy_until = shared.now + turn_takes;
  if (!waiting.empty()) shared.queue.push(busy_until, index, life, TurnOver{});
  return false;
}

void Machine::replan() {
  if (!alive() || paused) return;
  wake_ = Instant::never();
  plan_wake();
}

void Machine::reseed(std::uint64_t seed) {
  disk.reseed(part_rng(seed, index, 1));
  runner.reseed(part_rng(seed, index, 2));
  if (node) node->reseed(part_rng(seed, index, 4).next());
}

void Machine::shut_down() {
  stopping = true;
  node->shut_down(clock.local());
  shared.queue.push(shared.now + kStopPatience, index, life, GiveUpStopping{});
  turn();
}

}  // namespace swarm::sim
