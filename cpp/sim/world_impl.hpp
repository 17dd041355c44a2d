// What a World is made of: for world*.cpp, which share it. No other file includes this.
#pragma once

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
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
#include "sim/world.hpp"

namespace swarm::sim {

inline constexpr Duration kDoorLatency = Duration::micros(20);
inline constexpr Duration kPatience = Duration::seconds(10);  // of a load's clients

struct World::Impl {
  explicit Impl(const WorldOptions& options)
      : made_of(options),
        shared(options),
        network(shared, part_rng(options.seed, ~std::uint64_t{0}, 0)),
        mesh(shared, network, part_rng(options.seed, ~std::uint64_t{0}, 1), facts()),
        calls(shared),
        checker(shared, machines),
        injector(shared, network, machines, hands()),
        watch(shared, machines, network) {
    if (options.check)
      network.overhear({[this](MachineIndex from, ports::LinkId link, MachineIndex to,
                               const ports::Frame& frame) { checker.said(from, link, to, frame); },
                        [this](MachineIndex to, MachineIndex from, const ports::Frame& frame) {
                          checker.heard(to, from, frame);
                        }});
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
  docker::LogNews output(const Machine& at, const docker::OpenSwarmLogs& wish) const;
  Result<std::vector<wire::LogLine>> output(const Machine& at, TaskId task,
                                            const wire::LogOptions& options) const;

  Machine& machine(std::string_view name) {
    const auto it = names.find(name);
    SWARM_CHECK(it != names.end(), "no machine is called", name);
    return *machines[it->second];
  }
  // Notes an input from outside: see sim/journal.hpp.
  template <class Make>
  Journal::Writing input(Make&& make) {
    if (!journal.is_inside()) player.interrupted();
    return Journal::Writing(journal, moment(), std::forward<Make>(make));
  }
  // Notes an input that changes no trace: the run stays the same.
  template <class Make>
  Journal::Writing question(Make&& make) {
    return Journal::Writing(journal, moment(), std::forward<Make>(make));
  }
  template <class Deed>
  Journal::Writing deed(std::string_view name) {
    return input([&] { return Deed{std::string(name)}; });
  }
  Moment moment() const { return {steps, shared.now}; }
  // Events alone: the player knows the inputs that are to come.
  Instant next_event() const;
  bool step();
  void take(Event event);
  void send_next(LoadId id);
  void look_over();
  std::optional<ports::Event> arrived(Machine& at, Event& event);
  void after_turn(Machine& at);
  bool killed_at_disk(Machine& at, bool durable);
  void note_visible(Machine& at);
  void end(Machine& at, bool silent);
  void daemon_ends(Machine& at, const std::string& why);
  template <class Act>
  void run(Machine& at, Act&& act);
  void damaged(const Machine& at, const std::string& what);
  bool own_rules_hold() const;
  // ---- what people and faults do to a machine; nothing where there is nothing to do
  void kill(Machine& at, bool silent);
  void start(Machine& at);
  void put_back(Machine& at, SimDisk::Copy copy);
  Machine& clone_of(const Machine& original);  // made when it is asked for first; not started
  Machine& make_machine(MachineOptions options);
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
  World::AtDisk at_disk;
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
  std::optional<FailureMark> failure;
  std::uint64_t steps = 0;                      // that were taken: events, and begins and ends of faults
  std::uint64_t changes = 0, raft_changes = 0;  // of what looks may show
  std::map<std::string, MachineIndex, std::less<>> names;
  std::map<MachineIndex, SimDisk::Copy> copies;  // of disks
};

}  // namespace swarm::sim
