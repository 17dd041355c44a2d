// Events in, effects out: which task gets a connection, and which may not.
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "model/wire.hpp"
#include "net/mesh/balancer.hpp"
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

// The whole table.
wire::MeshChange whole(std::vector<model::MeshBackend> backends) {
  return {true, true, {{kService, {{kPort, 80}}}}, std::move(backends), {}, {}, {}};
}

class MeshBalancer : public testing::Test {
 protected:
  MeshBalancer() { balancer_.set_self(kHere); }
  void table(std::vector<model::MeshBackend> backends) {
    keeper_.on(whole(std::move(backends)));
    balancer_.set_table(keeper_.table());
    balancer_.take_effects();
  }
  void up(std::uint64_t task, std::vector<model::MeshPort> host_ports = {}) {
    balancer_.task_up({TaskId(task),
                       Address::v4(127, 16, 0, static_cast<std::uint8_t>(task)),
                       {80},
                       std::move(host_ports)});
  }
  Effect only() {
    auto effects = balancer_.take_effects();
    EXPECT_EQ(effects.size(), 1u);
    return effects.empty() ? Effect{Refuse{}} : effects.front();
  }
  // The task that a new connection is sent to; 0: it is refused.
  std::uint64_t connect() {
    balancer_.accepted(++conn_, kPort);
    const Effect effect = only();
    if (const auto* local = std::get_if<DialLocal>(&effect))
      return static_cast<std::uint64_t>(local->task.value());
    if (const auto* peer = std::get_if<DialPeer>(&effect))
      return static_cast<std::uint64_t>(peer->task.value());
    return 0;
  }
  Balancer balancer_;
  TableKeeper keeper_;
  ConnId conn_ = 0;
};

TEST_F(MeshBalancer, GoesRoundRobinOverTheTasksOfTheWholeSwarm) {
  table({backend(10, kHere), backend(11, kThere), backend(12, kThere)});
  up(10);
  std::map<std::uint64_t, int> hits;
  for (int i = 0; i < 9; ++i) ++hits[connect()];
  EXPECT_EQ(hits, (std::map<std::uint64_t, int>{{10, 3}, {11, 3}, {12, 3}}));
}

TEST_F(MeshBalancer, ATaskOfAnotherNodeIsReachedThroughThatNode) {
  table({backend(11, kThere)});
  balancer_.accepted(1, kPort);
  const Effect effect = only();
  EXPECT_EQ(std::get<DialPeer>(effect).node.str(), "127.0.1.2:7946");
  EXPECT_EQ(std::get<DialPeer>(effect).target, 80u);
}

TEST_F(MeshBalancer, ATaskThatWasToldToStopGetsNoNewConnection) {
  table({backend(10, kHere)});
  up(10);
  EXPECT_EQ(connect(), 10u);
  balancer_.task_stopping(TaskId(10));
  EXPECT_EQ(connect(), 0u) << "though the table still names it";
  table({});
  balancer_.retry(conn_);
  EXPECT_EQ(std::get<Refuse>(only()).conn, conn_);
  balancer_.stream_arrived(99, TaskId(10), 80);
  EXPECT_EQ(std::get<Refuse>(only()).conn, 99u) << "another node's table may be older still";
  EXPECT_EQ(balancer_.connections(), 1u) << "the old one goes on";
}

TEST_F(MeshBalancer, AStreamForAStrangeTaskOrPortIsRefused) {
  up(10);
  balancer_.stream_arrived(1, TaskId(77), 80);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only()));
  balancer_.stream_arrived(2, TaskId(10), 22);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only())) << "only what the service publishes";
  balancer_.stream_arrived(3, TaskId(10), 80);
  EXPECT_TRUE(std::holds_alternative<DialLocal>(only()));
}

TEST_F(MeshBalancer, ADeadBackendIsFollowedByTheNextUntilNoneIsLeft) {
  table({backend(11, kThere), backend(12, kThere)});
  const auto first = connect();
  balancer_.dial_done(conn_, false);
  const auto second = static_cast<std::uint64_t>(std::get<DialPeer>(only()).task.value());
  EXPECT_NE(first, second);
  balancer_.dial_done(conn_, true);
  balancer_.reset_unused(conn_, false);
  EXPECT_TRUE(std::holds_alternative<Wait>(only())) << "nobody is tried twice in a row";
  balancer_.retry(conn_);
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only())) << "it may listen by now";
}

TEST_F(MeshBalancer, WhoHasToldSomethingIsTriedOnceOnEachTask) {
  table({backend(11, kThere), backend(12, kThere)});
  connect();
  balancer_.dial_done(conn_, true);
  balancer_.reset_unused(conn_, true);
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only()));
  balancer_.dial_done(conn_, true);
  balancer_.reset_unused(conn_, true);
  EXPECT_TRUE(std::holds_alternative<Refuse>(only())) << "a request is not sent round and round";
}

TEST_F(MeshBalancer, PatienceEnds) {
  table({backend(11, kThere)});
  connect();
  int rounds = 0;
  for (Effect effect = DialPeer{}; !std::holds_alternative<Refuse>(effect); ++rounds) {
    ASSERT_LT(rounds, 1'000);
    if (std::holds_alternative<Wait>(effect)) {
      balancer_.retry(conn_);
    } else {
      balancer_.dial_done(conn_, false);
    }
    effect = only();
  }
  EXPECT_GT(rounds, 100);
  EXPECT_EQ(balancer_.connections(), 0u);
}

TEST_F(MeshBalancer, ListensForWhatIsPublishedAndSaysWhatItCannotHave) {
  keeper_.on(whole({}));
  balancer_.set_table(keeper_.table());
  EXPECT_EQ(std::get<ListenOn>(only()).port, kPort);
  EXPECT_EQ(connect(), 0u) << "no task runs: refused, not silent";
  balancer_.listening(kPort, "8080 is taken");
  EXPECT_EQ(balancer_.problems(), std::vector<std::string>{"8080 is taken"});
  balancer_.retry_listening();
  EXPECT_EQ(std::get<ListenOn>(only()).port, kPort);
  balancer_.listening(kPort, "");
  EXPECT_FALSE(balancer_.has_problems());
  balancer_.leave();
  EXPECT_EQ(std::get<StopListening>(only()).port, kPort);
}

// One number, two protocols: two ports (model::PortKey).
TEST_F(MeshBalancer, APortIsAProtocolAndANumber) {
  const PortKey udp{model::PortProtocol::udp, 8080};
  up(10);
  up(11, {{udp, 80}});
  table({backend(10, kHere)});
  balancer_.accepted(1, udp);
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(11));
  EXPECT_EQ(connect(), 10u);
}

// As a value, each event is the call of the same name.
TEST_F(MeshBalancer, WhatHappenedCanBeGatheredAndToldAtOnce) {
  table({backend(11, kThere), backend(12, kThere)});
  balancer_.listening(kPort, "8080 is taken");
  for (const Event& event : std::initializer_list<Event>{Accepted{1, kPort}, DialDone{1, false},
                                                         Accepted{2, kPort}, ResetUnused{2, true}, Closed{2},
                                                         StreamArrived{3, TaskId(77), 80}, RetryListening{}})
    balancer_.handle(event);
  EXPECT_EQ(balancer_.connections(), 1U) << "the first: the second is closed, the third refused";
  const auto effects = balancer_.take_effects();
  ASSERT_EQ(effects.size(), 6U);
  EXPECT_NE(std::get<DialPeer>(effects[0]).task, std::get<DialPeer>(effects[1]).task);
  EXPECT_EQ(std::get<Refuse>(effects[4]).conn, 3U);
  EXPECT_EQ(std::get<ListenOn>(effects[5]).port, kPort);
  balancer_.dial_done(1, false);
  EXPECT_EQ(std::get<Wait>(only()).conn, 1U);
  balancer_.handle(Retry{1});
  EXPECT_TRUE(std::holds_alternative<DialPeer>(only()));
}

TEST_F(MeshBalancer, AHostPortThatIsTakenStaysItsOwners) {
  up(10, {host_port(9000)});
  up(11, {host_port(9000)});
  balancer_.take_effects();
  balancer_.accepted(1, model::tcp_port(9000));
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(10));
}

TEST_F(MeshBalancer, AHostPortLeadsToThisNodesOwnTask) {
  up(10, {host_port(9090)});
  EXPECT_EQ(std::get<ListenOn>(only()).port, model::tcp_port(9090));
  balancer_.accepted(1, model::tcp_port(9090));
  EXPECT_EQ(std::get<DialLocal>(only()).task, TaskId(10));
  balancer_.task_gone(TaskId(10));
  EXPECT_EQ(std::get<StopListening>(only()).port, model::tcp_port(9090));
}

// The tasks behind the port; nothing where it is not published.
std::vector<std::uint64_t> behind(const TableKeeper& keeper, PortKey port = kPort) {
  std::vector<std::uint64_t> out;
  const auto* route = keeper.table()->find(port);
  if (route == nullptr) return out;
  for (const auto& one : *route->backends) out.push_back(static_cast<std::uint64_t>(one.task.value()));
  return out;
}
using Tasks = std::vector<std::uint64_t>;

TEST(TableKeeper, AChangeTouchesTheRoutesThatItNames) {
  TableKeeper keeper;
  const ServiceId other(8);
  keeper.on(whole({backend(10, kHere)}));
  keeper.on({false, false, {{other, {host_port(9000), host_port(7000)}}}, {}, {}, {}, {}});
  const auto before = keeper.table();
  EXPECT_TRUE(keeper.on({false, false, {}, {backend(11, kThere)}, {}, {}, {}}));
  EXPECT_EQ(behind(keeper), (Tasks{10, 11}));
  EXPECT_EQ(before->find(kPort)->backends->size(), 1u) << "the old table is as it was for those who hold it";
  EXPECT_EQ(keeper.table()->find(model::tcp_port(9000))->backends,
            before->find(model::tcp_port(9000))->backends)
      << "the very same list";
  EXPECT_NE(keeper.table()->find(model::tcp_port(7000)), nullptr);
  EXPECT_FALSE(keeper.on({false, false, {}, {backend(11, kThere)}, {}, {}, {}}))
      << "nothing new, no new table";
  EXPECT_TRUE(keeper.on({false, false, {}, {}, {}, {}, {TaskId(10)}}));
  EXPECT_EQ(behind(keeper), Tasks{11});
  EXPECT_TRUE(keeper.on({false, false, {}, {}, {}, {kService}, {}}));
  EXPECT_EQ(keeper.table()->find(kPort), nullptr);
  EXPECT_TRUE(keeper.on({false, false, {{kService, {host_port(8081)}}}, {}, {}, {}, {}}));
  EXPECT_EQ(behind(keeper, model::tcp_port(8081)), Tasks{11}) << "its tasks were not taken away";
}

TEST(TableKeeper, ATaskThatServesForAnotherServiceLeavesTheFirst) {
  TableKeeper keeper;
  keeper.on(whole({backend(10, kHere)}));
  auto moved = backend(10, kHere);
  moved.service = ServiceId(8);
  keeper.on({false, false, {{moved.service, {host_port(9000)}}}, {moved}, {}, {}, {}});
  EXPECT_TRUE(behind(keeper).empty());
  EXPECT_EQ(behind(keeper, model::tcp_port(9000)), Tasks{10});
}

TEST(TableKeeper, WhatTheCompleteFeedDoesNotNameGoesAtItsEndAndNotBefore) {
  TableKeeper keeper;
  keeper.on(whole({backend(10, kHere), backend(11, kThere)}));
  keeper.on({true, false, {}, {backend(12, kThere)}, {}, {}, {}});
  EXPECT_EQ(behind(keeper), (Tasks{10, 11, 12})) << "traffic goes on while the pieces come";
  keeper.on({false, false, {{kService, {{kPort, 80}}}}, {}, {}, {}, {}});
  keeper.on({false, true, {}, {backend(11, kThere)}, {}, {}, {}});
  EXPECT_EQ(behind(keeper), (Tasks{11, 12}));
  keeper.on({false, true, {}, {}, {}, {}, {}});
  EXPECT_EQ(behind(keeper), (Tasks{11, 12})) << "an end without a beginning ends nothing";
  keeper.on({true, true, {}, {}, {}, {}, {}});
  EXPECT_TRUE(keeper.table()->routes.empty());
}

TEST(TableKeeper, ANodeThatWasRemovedGetsNoLinkAtAll) {
  TableKeeper keeper;
  Balancer balancer;
  keeper.on(whole({backend(10, kHere)}));
  balancer.set_table(keeper.table());
  EXPECT_TRUE(balancer.may_link(kThere));
  wire::MeshChange change;
  change.removed_nodes = {kThere};
  EXPECT_TRUE(keeper.on(change));
  balancer.set_table(keeper.table());
  EXPECT_FALSE(balancer.may_link(kThere));
  EXPECT_TRUE(balancer.may_link(kHere));
  EXPECT_FALSE(keeper.on(change)) << "heard before";
  keeper.on({false, false, {}, {backend(11, kThere)}, {}, {}, {}});
  EXPECT_EQ(*keeper.table()->removed_nodes, std::set<NodeId>{kThere}) << "other changes leave it";
  EXPECT_TRUE(keeper.on(whole({}))) << "what the complete feed does not name is gone";
  EXPECT_TRUE(keeper.table()->removed_nodes->empty());
}

}  // namespace
}  // namespace swarm::mesh
