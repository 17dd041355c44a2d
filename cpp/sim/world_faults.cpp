// A World's calls for faults, and what faults do to machines.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "sim/client.hpp"
#include "sim/event_queue.hpp"
#include "sim/injector.hpp"
#include "sim/inputs.hpp"
#include "sim/machine.hpp"
#include "sim/witness.hpp"
#include "sim/world.hpp"
#include "sim/world_impl.hpp"
#include "store/store.hpp"

namespace swarm::sim {

// ---- faults

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
const std::vector<faults::Skipped>& World::skipped_faults() const { return impl_->injector.skipped(); }
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
          [this](Machine& at, std::uint32_t port, bool taken) {
            mesh.occupy(at.index, model::tcp_port(port), taken);
          },
          [this](Machine& at, std::uint32_t port) { return mesh.listens(at.index, model::tcp_port(port)); },
          [this] { return leader(); },
          [this] { return voters(); },
          [this](const std::string& name) { return task_named(name); },
          [this](TaskId task) { return kill_task(task, 9); },
          [this](const std::string& name) {
            const Machine& at = machine(name);
            const CallId id = calls.open(at.index);
            calls.forget(id);  // no client waits for the answer
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

void World::at_disk(AtDisk act) { impl_->at_disk = std::move(act); }

std::shared_ptr<const std::vector<ports::DiskBatch>> World::record_disk(std::string_view name) {
  auto record = std::make_shared<std::vector<ports::DiskBatch>>();
  impl_->machine(name).disk.record(record);
  return record;
}

ports::Disk& World::disk_of_dead(std::string_view name) {
  const auto written = impl_->deed<inputs::DiskByHand>(name);
  Machine& at = impl_->machine(name);
  SWARM_CHECK(!at.alive(), at.options.name, "lives: its disk is its own");
  return at.disk;
}

ports::Transport& World::wire_by_hand(std::string_view name) {
  const auto written = impl_->deed<inputs::WireByHand>(name);
  return impl_->machine(name).transport;
}

ports::LinkId World::open_by_hand(std::string_view name, const Address& to, const wire::Hello& hello,
                                  const std::optional<model::Certificate>& shown) {
  const auto written = impl_->deed<inputs::WireByHand>(name);
  return impl_->network.open_as(impl_->machine(name).index, to, hello, shown);
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

}  // namespace swarm::sim
