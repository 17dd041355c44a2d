// Events in, effects out: who gets a connection, and who may not.
#include "model/mesh.hpp"

#include <gtest/gtest.h>
#include <cstdint>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/mesh/machine.hpp"
#include "net/mesh/table_keeper.hpp"

namespace swarm::mesh {
namespace {

constexpr PortKey kPort = model::tcp_port(8080);
model::MeshPort host_port(std::uint32_t number) { return {model::tcp_port(number), 80}; }
const NodeId kHere(1), kThere(2);
const ServiceId kService(7);

model::MeshBackend backend(std::uint64_t task, NodeId node) {
  return {TaskId(task), kService, node,
          Address::v4(127, 0, 1, static_cast<std::uint8_t>(node.value()), model::kDataPort)};
}

wire::MeshUpdate update(std::uint64_t number, std::vector<model::MeshBackend> backends) {
  wire::MeshUpdate out;
  out.session = 1;
  out.complete = true;
  out.results_in = number;
  out.services = {{kService, {{kPort, 80}}}};
  out.backends = std::move(backends);
  return out;
}

class MeshMachine : public testing::Test {
 protected:
  MeshMachine() { machine_.set_self(kHere); }
  void table(std::vector<model::MeshBackend> backends) {
    keeper_.on(update(++number_, std::move(backends)));
    machine_.set_table(keeper_.table());
    machine_.take_effects();
  }
  void up(std::uint64_t task, std::vector<model::MeshPort> host_ports = {}) {
    machine_.task_up({TaskId(task),
                      Address::v4(127, 16, 0, static_cast<std::uint8_t>(task)),
                      {80},
                      std::move(host_ports)});
  }
  Effect only() {
    auto effects = machine_.take_effects();
    EXPECT_EQ(effects.size(), 1u);
    return effects.empty() ? Effect{Refuse{}} : effects.front();
  }
  // The task that a new connection is sent to; 0: it is refused.
  std::uint64_t connect() {
    machine_.accepted(++conn_, kPort);
    const Effect effect = only();
    if (const auto* local = std::get_if<DialLocal>(&effect))
      return static_cast<std::uint64_t>(local->task.value());
    if (const auto* peer = std::get_if<DialPeer>(&effect))
      return static_cast<std::uint64_t>(peer->task.value());
    return 0;
  }
  Machine machine_;
  TableKeeper keeper_;
  std::uint64_t number_ = 0;
  ConnId conn_ = 0;
};

TEST_F(MeshMachine, GoesRoundRobinOverTheTasksOfTheWholeSwarm) {
  table({backend(10, kHere), backend(11, kThere), backend(12, kThere)});
  up(10);
  std::map<std::uint64_t, int> hits;
  for (int i = 0; i < 9; ++i) ++hits[connect()];
  EXPECT_EQ(hits, (std::map<std::uint64_t, int>{{10, 3}, {11, 3}, {12, 3}}));
}

TEST_F(MeshMachine, ATaskOfAnotherNodeIsReachedThroughThatNode) {
  table({backend(11, kThere)});
  machine_.accepted(1, kPort);
  const Effect effect = only();
  EXPECT_EQ(std::get<DialPeer>(effect).node.str(), "127.0.1.2:7946");
  EXPECT_EQ(std::get<DialPeer>(effect).target, 80u);
}

TEST_F(MeshMachine, ATaskThatWasToldToStopGetsNoNewConnection) {
  table({backend(10, kHere)});
  up(10);
  EXPECT_EQ(connect(), 10u);
  machine_.task_stopping(TaskId(10));
  EXPECT_EQ(connect(), 0u) << "though the table still names it";
  table({});
  machine_.retry(conn_);
  EXPECT_EQ(std::get<Refuse>(only()).conn, conn_);
  machine_.stream_arrived(99, TaskId(10), 80);
  EXPECT_EQ(std::get<Refuse>(only()).conn, 99u) << "another node's table may be older still";
  EXPECT_EQ(machine_.connections(), 1u) << "the old one goes on";
}

TEST_F(MeshMachine, AStreamForAStrangeTaskOrPortIsRefused) {
  up(10);
  machine_.stream_arrived(1, TaskId(77), 80);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only()));
  machine_.stream_arrived(2, TaskId(10), 22);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only())) << "only what the service publishes";
  machine_.stream_arrived(3, TaskId(10), 80);
  EXPECT_TRUE(std::holds_alternative<DialLocal>(only()));
}

TEST_F(MeshMachine, ADeadBackendIsFollowedByTheNextUntilNoneIsLeft) {
  table({backend(11, kThere), backend(12, kThere)});
  const auto first = connect();
  machine_.dial_done(conn_, false);
  const auto second = static_cast<std::uint64_t>(std::get<DialPeer>(only()).task.value());
  EXPECT_NE(first, second);
  machine_.dial_done(conn_, true);
  machine_.reset_unused(conn_, false);
  EXPECT_TRUE(std::holds_alternative<Wait>(only())) << "nobody is tried twice in a row";
  machine_.retry(conn_);
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only())) << "it may listen by now";
}

TEST_F(MeshMachine, WhoHasToldSomethingIsTriedOnceOnEachTask) {
  table({backend(11, kThere), backend(12, kThere)});
  connect();
  machine_.dial_done(conn_, true);
  machine_.reset_unused(conn_, true);
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only()));
  machine_.dial_done(conn_, true);
  machine_.reset_unused(conn_, true);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only())) << "a request is not sent round and round";
}

TEST_F(MeshMachine, PatienceEnds) {
  table({backend(11, kThere)});
  connect();
  int rounds = 0;
  for (Effect effect = DialPeer{}; !std::holds_alternative<Refuse>(effect); ++rounds) {
    ASSERT_LT(rounds, 1'000);
    if (std::holds_alternative<Wait>(effect)) {
      machine_.retry(conn_);
    } else {
      machine_.dial_done(conn_, false);
    }
    effect = only();
  }
  EXPECT_GT(rounds, 100);
  EXPECT_EQ(machine_.connections(), 0u);
}

TEST_F(MeshMachine, ListensForWhatIsPublishedAndSaysWhatItCannotHave) {
  keeper_.on(update(1, {}));
  machine_.set_table(keeper_.table());
  EXPECT_EQ(std::get<ListenOn>(only()).port, kPort);
  EXPECT_EQ(connect(), 0u) << "no task runs: refused, not silent";
  machine_.listening(kPort, "8080 is taken");
  EXPECT_EQ(machine_.problems(), std::vector<std::string>{"8080 is taken"});
  machine_.retry_listening();
  EXPECT_EQ(std::get<ListenOn>(only()).port, kPort);
  machine_.listening(kPort, "");
  EXPECT_FALSE(machine_.has_problems());
  machine_.leave();
  EXPECT_EQ(std::get<StopListening>(only()).port, kPort);
}

// One number, two protocols: two ports (model::PortKey).
TEST_F(MeshMachine, APortIsAProtocolAndANumber) {
  const PortKey udp{model::PortProtocol::udp, 8080};
  up(10);
  up(11, {{udp, 80}});
  table({backend(10, kHere)});
  machine_.accepted(1, udp);
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(11));
  EXPECT_EQ(connect(), 10u);
}

// As a value, each event is the call of the same name.
TEST_F(MeshMachine, WhatHappenedCanBeGatheredAndToldAtOnce) {
  table({backend(11, kThere), backend(12, kThere)});
  machine_.listening(kPort, "8080 is taken");
  for (const Event& event : std::initializer_list<Event>{Accepted{1, kPort}, DialDone{1, false},
                                                         Accepted{2, kPort}, ResetUnused{2, true}, Closed{2},
                                                         StreamArrived{3, TaskId(77), 80}, RetryListening{}})
    machine_.handle(event);
  EXPECT_EQ(machine_.connections(), 1U) << "the first: the second is closed, the third refused";
  const auto effects = machine_.take_effects();
  ASSERT_EQ(effects.size(), 6U);
  EXPECT_NE(std::get<DialPeer>(effects[0]).task, std::get<DialPeer>(effects[1]).task);
  EXPECT_EQ(std::get<Refuse>(effects[4]).conn, 3U);
  EXPECT_EQ(std::get<ListenOn>(effects[5]).port, kPort);
  machine_.dial_done(1, false);
  EXPECT_EQ(std::get<Wait>(only()).conn, 1U);
  machine_.handle(Retry{1});
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only()));
}

TEST_F(MeshMachine, AHostPortThatIsTakenStaysItsOwners) {
  up(10, {host_port(9000)});
  up(11, {host_port(9000)});
  machine_.take_effects();
  machine_.accepted(1, model::tcp_port(9000));
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(10));
}

TEST_F(MeshMachine, AHostPortLeadsToThisNodesOwnTask) {
  up(10, {host_port(9090)});
  EXPECT_EQ(std::get<ListenOn>(only()).port, model::tcp_port(9090));
  machine_.accepted(1, model::tcp_port(9090));
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(10));
  machine_.task_gone(TaskId(10));
  EXPECT_EQ(std::get<StopListening>(only()).port, model::tcp_port(9090));
}

TEST(TableKeeper, TakesIncrementsInOrderAndAsksForTheWholeAfterAGap) {
  TableKeeper keeper;
  auto increment = update(2, {backend(11, kThere)});
  increment.complete = false;
  increment.applies_to = 1;
  EXPECT_TRUE(keeper.on(increment).want_complete) << "nothing to add to";
  EXPECT_EQ(keeper.on(update(1, {backend(10, kHere)})).applied, 1u);
  const auto before = keeper.table();
  EXPECT_EQ(keeper.on(increment).applied, 2u);
  EXPECT_EQ(keeper.on(increment).applied, 2u) << "doubled: no harm";
  EXPECT_EQ(keeper.table()->find(kPort)->backends->size(), 2u);
  EXPECT_EQ(before->find(kPort)->backends->size(), 1u) << "who holds the old table keeps it";
  increment.results_in = 9;
  increment.applies_to = 8;
  EXPECT_TRUE(keeper.on(increment).want_complete);
  auto removal = update(3, {});
  removal.complete = false;
  removal.applies_to = 2;
  removal.removed_tasks = {TaskId(10)};
  keeper.on(removal);
  EXPECT_EQ(keeper.table()->find(kPort)->backends->front().task, TaskId(11));
  removal.applies_to = 3;
  removal.results_in = 4;
  removal.services.clear();
  removal.removed_services = {kService};
  keeper.on(removal);
  EXPECT_EQ(keeper.table()->find(kPort), nullptr);
}

TEST(TableKeeper, AnotherSessionBeginsWithItsOwnNumbers) {
  TableKeeper keeper;
  keeper.on(update(5, {backend(10, kHere)}));
  auto other = update(1, {});
  other.session = 2;
  EXPECT_EQ(keeper.on(other).applied, 1u);
  EXPECT_TRUE(keeper.table()->find(kPort)->backends->empty());
}

}  // namespace
}  // namespace swarm::mesh
