// The dispatcher on a real store; the test plays the agents (swarmkit manager/dispatcher/dispatcher_test.go).
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "dispatcher/test_dispatcher.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

using model::NodeState;
using model::TaskState;

// A session belongs to its node and its link: a message that names another node's session is refused and
// changes nothing.
TEST_F(DispatcherTest, AnotherNodesSessionIsNobodysToUse) {
  const NodeId victim = add_node(), forger = add_node();
  const TaskId task = add_task(victim);
  start();
  const std::uint64_t session = join(1, victim);
  join(2, forger);
  model::TaskStatus failed;
  failed.state = TaskState::failed;
  const model::NodeStatus before = status(victim);
  const wire::Message forged[] = {wire::Heartbeat{session}, wire::TaskReport{session, 1, {{task, failed}}},
                                  wire::FeedAck{session, 0, 1, {"a problem"}}};
  for (const auto& message : forged) {
    say(2, forger, message);
    EXPECT_EQ(heard<wire::SessionRefused>(2).size(), 1u) << message.index();
    say(3, victim, message);  // ... and the node itself must use the link of its session
    EXPECT_EQ(heard<wire::SessionRefused>(3).size(), 1u) << message.index();
  }
  EXPECT_EQ(state(task), TaskState::assigned);
  EXPECT_EQ(status(victim), before);
  EXPECT_TRUE(heard<wire::FeedUpdate>(1).empty()) << "nothing was lost";
  EXPECT_EQ(dispatcher_.link_of(victim), PeerLink{1});
}

TEST_F(DispatcherTest, RegisteringMakesANodeReadyWithItsDescriptionAndAddress) {
  const NodeId node = add_node();
  start();
  wire::Register hello{node, {}};
  hello.description.hostname = "w1";
  say(1, node, hello);
  EXPECT_EQ(status(node).state, NodeState::ready);
  EXPECT_EQ(status(node).addr, "127.0.1.9");
  EXPECT_EQ(store_.node(node)->description.hostname, "w1");
  const auto session = heard<wire::Session>(1).at(0);
  EXPECT_EQ(session.heartbeat_period, kPeriod);
  const auto feed = heard<wire::FeedUpdate>(1).at(0);
  EXPECT_TRUE(feed.first && feed.last);
  EXPECT_EQ(feed.session, session.session);
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{1});
}

TEST_F(DispatcherTest, ANodeHearsThatItIsReadyOnceTheStoreSaysSo) {
  const NodeId node = add_node();
  start();
  dispatcher_.on_message(store_, 1, {{}, node}, "127.0.1.9", wire::Register{node, {}}, now_);
  auto sessions = heard<wire::Session>(1);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_FALSE(sessions[0].ready) << "it is wanted only";
  EXPECT_FALSE(dispatcher_.is_settled(node));
  run();
  sessions = heard<wire::Session>(1);
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_TRUE(sessions[0].ready);
  EXPECT_TRUE(dispatcher_.is_settled(node));
  EXPECT_EQ(status(node).state, NodeState::ready);
  pass(kPeriod);
  EXPECT_TRUE(heard<wire::Session>(1).empty()) << "once is enough";
}

TEST_F(DispatcherTest, ANodeThatChangesItsRoleIsNotCalledDisconnected) {
  const NodeId node = add_node();
  start();
  join(1, node);
  model::NodeStep step;
  step.id = node;
  step.role = model::NodeRole::manager;
  apply({step});
  dispatcher_.on_link_closed(store_, 1, now_);
  run();
  EXPECT_EQ(status(node).state, NodeState::ready) << "it opens another link, as what it is now";
  pass(kPeriod);
  EXPECT_EQ(status(node).state, NodeState::down) << "unless it does not";
}

TEST_F(DispatcherTest, ADoubledRegisterGetsTheSameSessionALaterOneANewOne) {
  const NodeId node = add_node();
  start();
  say(1, node, wire::Register{node, {}});
  say(1, node, wire::Register{node, {}});
  auto sessions = heard<wire::Session>(1);
  ASSERT_EQ(sessions.size(), 3u) << "the second one says that the node is ready";
  EXPECT_EQ(sessions[0].session, sessions[1].session);
  EXPECT_EQ(sessions[0].session, sessions[2].session);
  EXPECT_EQ(heard<wire::FeedUpdate>(1).size(), 2u) << "the agent may have missed the first";
  const std::uint64_t second = join(2, node, sessions[0].session);
  EXPECT_NE(second, sessions[0].session);
  say(1, node, wire::Heartbeat{sessions[0].session});
  EXPECT_EQ(heard<wire::SessionRefused>(1).at(0).reason, "session invalid");
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{2});
}

TEST_F(DispatcherTest, StrangersAreRefusedAndOnlyRemovedNodesAreToldToGo) {
  start();
  const NodeId stranger = NodeId::random(rng_);
  say(1, stranger, wire::Register{stranger, {}});
  EXPECT_FALSE(heard<wire::SessionRefused>(1).at(0).removed);
  const NodeId node = add_node();
  const std::uint64_t session = join(2, node);
  model::Cluster cluster = *store_.cluster();
  cluster.removed_nodes.push_back(node);
  apply({model::Remove::of<model::Node>(node), model::Put{cluster}});
  const auto told = heard<wire::SessionRefused>(2);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].session, session);
  EXPECT_TRUE(told[0].removed);
  say(3, node, wire::Register{node, {}});
  EXPECT_TRUE(heard<wire::SessionRefused>(3).at(0).removed);
  EXPECT_FALSE(store_.node(node));
}

TEST_F(DispatcherTest, ASessionBelongsToItsLink) {
  start();
  const NodeId node = add_node();
  const std::uint64_t session = join(1, node);
  say(2, node, wire::Heartbeat{session});
  EXPECT_EQ(heard<wire::SessionRefused>(2).size(), 1u);
  EXPECT_TRUE(heard<wire::HeartbeatReply>(2).empty());
  say(1, node, wire::Heartbeat{session});
  EXPECT_EQ(heard<wire::HeartbeatReply>(1).size(), 1u) << "its own goes on";
}

TEST_F(DispatcherTest, WithoutHeartbeatsANodeIsDownAfterThreePeriods) {
  const NodeId node = add_node();
  start();
  const std::uint64_t session = join(1, node);
  pass(kPeriod * 2);
  say(1, node, wire::Heartbeat{session});
  const auto reply = heard<wire::HeartbeatReply>(1).at(0);
  EXPECT_GE(reply.period, kPeriod * 9 / 10);
  EXPECT_LE(reply.period, kPeriod * 11 / 10);
  pass(kPeriod * 3 - Duration::nanos(1));
  EXPECT_EQ(status(node).state, NodeState::ready);
  pass(Duration::nanos(1));
  EXPECT_EQ(status(node).state, NodeState::down);
  EXPECT_EQ(status(node).message, "heartbeat failure");
  say(1, node, wire::Heartbeat{session});
  EXPECT_EQ(heard<wire::SessionRefused>(1).at(0).reason, "node not registered");
  join(1, node);
  EXPECT_EQ(status(node).state, NodeState::ready);
}

TEST_F(DispatcherTest, ALeaderThatSleptBlamesNobody) {
  const NodeId node = add_node();
  start();
  join(1, node);
  pass(Duration::seconds(60));
  EXPECT_EQ(status(node).state, NodeState::ready);
  pass(kPeriod * 3);
  EXPECT_EQ(status(node).state, NodeState::down);
}

TEST_F(DispatcherTest, ALeaderThatSleptUntilANodesTimeEndsReadsItsMailFirst) {
  const NodeId speaks = add_node(), silent = add_node();
  start();
  const std::uint64_t session = join(1, speaks);
  join(2, silent);
  now_ = now_ + kPeriod * 3;
  dispatcher_.on_late_turn(now_);
  run();
  EXPECT_EQ(status(speaks).state, NodeState::ready);
  say(1, speaks, wire::Heartbeat{session});
  dispatcher_.on_late_turn(now_);
  pass(kPeriod / 5);
  EXPECT_EQ(status(speaks).state, NodeState::ready);
  EXPECT_EQ(status(silent).state, NodeState::down) << "it is waited for once";
}

TEST_F(DispatcherTest, TheHeartbeatPeriodFollowsTheClusterSpec) {
  const NodeId node = add_node();
  start();
  const std::uint64_t session = join(1, node);
  set_period(Duration::seconds(10));
  say(1, node, wire::Heartbeat{session});
  EXPECT_GE(heard<wire::HeartbeatReply>(1).at(0).period, Duration::seconds(9));
  pass(Duration::seconds(29));
  EXPECT_EQ(status(node).state, NodeState::ready);
}

// A period of a hundred years is allowed; a shorter one takes effect before the longer one has ended.
TEST_F(DispatcherTest, AShorterPeriodCountsForNodesThatAreAwayToo) {
  const NodeId silent = add_node(NodeState::ready), gone = add_node(NodeState::ready);
  const NodeId down = add_node(NodeState::down);
  set_period(Duration::max());
  start();
  set_period(Duration::max() / 3);
  join(1, gone);
  dispatcher_.on_link_closed(store_, 1, now_);
  run();
  set_period(kPeriod);
  pass(kPeriod * 3 - Duration::nanos(1));
  EXPECT_EQ(status(silent).state, NodeState::unknown);
  EXPECT_EQ(status(gone).state, NodeState::disconnected);
  pass(Duration::nanos(1));
  EXPECT_EQ(status(silent).state, NodeState::down);
  EXPECT_EQ(status(gone).state, NodeState::down);
  EXPECT_EQ(status(down).message, "") << "it was down before";
}

TEST_F(DispatcherTest, AClosedLinkDisconnectsAtOnceAndIsDownOnePeriodLater) {
  const NodeId gone = add_node(), back = add_node();
  start();
  join(1, gone);
  join(2, back);
  dispatcher_.on_link_closed(store_, 1, now_);
  dispatcher_.on_link_closed(store_, 2, now_);
  run();
  EXPECT_EQ(status(gone).state, NodeState::disconnected);
  EXPECT_EQ(status(gone).message, "node is currently trying to find new manager");
  join(3, back);
  EXPECT_EQ(status(back).state, NodeState::ready);
  pass(kPeriod);
  EXPECT_EQ(status(gone).state, NodeState::down);
  EXPECT_EQ(status(back).state, NodeState::ready);
}

TEST_F(DispatcherTest, ANewLeaderKnowsOfNobodyForSixPeriods) {
  const NodeId silent = add_node(NodeState::ready), lives = add_node(NodeState::ready);
  const NodeId down = add_node(NodeState::down);
  start();
  run();
  EXPECT_EQ(status(silent).state, NodeState::unknown);
  EXPECT_EQ(status(silent).message, "Node moved to \"unknown\" state due to leadership change in cluster");
  EXPECT_EQ(status(down).state, NodeState::down);
  pass(kPeriod * 5);
  join(1, lives);
  pass(kPeriod);
  EXPECT_EQ(status(silent).state, NodeState::down);
  EXPECT_EQ(status(silent).message, "heartbeat failure for node in \"unknown\" state");
  EXPECT_EQ(status(lives).state, NodeState::ready);
}

TEST_F(DispatcherTest, TheTasksOfANodeThatIsDownForADayAreOrphaned) {
  const NodeId node = add_node(NodeState::down);
  const TaskId ran = add_task(node, TaskState::running), ended = add_task(node, TaskState::failed);
  start();
  pass(Duration::seconds(24 * 3600) - Duration::nanos(1));
  EXPECT_EQ(state(ran), TaskState::running);
  pass(Duration::nanos(1));
  EXPECT_EQ(state(ran), TaskState::orphaned);
  EXPECT_EQ(state(ended), TaskState::failed);
  EXPECT_EQ(dispatcher_.next_deadline(), Instant::never());
}

TEST_F(DispatcherTest, ANodeHearsOnlyWhatConcernsIt) {
  const NodeId node = add_node(), other = add_node();
  const TaskId first = add_task(node);
  add_task(node, TaskState::pending);
  start();
  join(9, other);
  say(1, node, wire::Register{node, {}});
  const std::uint64_t session = heard<wire::Session>(1).at(0).session;
  const auto feed = heard<wire::FeedUpdate>(1).at(0);
  EXPECT_EQ(tasks_in(feed), std::vector<TaskId>{first}) << "only what is assigned";
  const TaskId second = add_task(node);
  want(first, TaskState::shutdown);
  const auto updates = heard<wire::FeedUpdate>(1);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].from, feed.to);
  EXPECT_EQ(updates[1].from, updates[0].to);
  EXPECT_EQ(tasks_in(updates[0]), std::vector<TaskId>{second});
  EXPECT_EQ(tasks_in(updates[1]), std::vector<TaskId>{first});
  say(1, node, wire::FeedAck{session, updates[1].to, 0, {}});
  apply({model::Remove::of<model::Task>(second)});
  EXPECT_EQ(heard<wire::FeedUpdate>(1).at(0).removed, std::vector{wire::FeedKey::task(second)});
  EXPECT_TRUE(heard<wire::FeedUpdate>(9).empty()) << "no other node is bothered";
}

TEST_F(DispatcherTest, ARowOfTheMeshIsToldToEveryNodeThatIsThere) {
  const NodeId node = add_node(), other = add_node(), away = add_node();
  const TaskId task = add_task(node, TaskState::running);
  start();
  const std::uint64_t session = join(1, node);
  join(2, other);
  join(3, away);
  dispatcher_.on_link_closed(store_, 3, now_);
  run();
  model::Service published = *store_.service(service_);
  published.ports = {{"", model::PortProtocol::tcp, 80, 8080, model::PublishMode::ingress}};
  put(published);
  for (const PeerLink link : {1, 2}) {
    const auto updates = heard<wire::FeedUpdate>(link);
    ASSERT_EQ(updates.size(), 1u);
    EXPECT_EQ(updates[0].items.size(), 2u) << "the ports and the task that serves them, and no more";
    EXPECT_TRUE(updates[0].removed.empty());
  }
  EXPECT_TRUE(heard<wire::FeedUpdate>(3).empty());
  model::TaskStatus failed;
  failed.state = TaskState::failed;
  say(1, node, wire::TaskReport{session, 1, {{task, failed}}});
  for (const PeerLink link : {1, 2})
    EXPECT_EQ(heard<wire::FeedUpdate>(link).at(0).removed, std::vector{wire::FeedKey::mesh_backend(task)});
}

TEST_F(DispatcherTest, ASlowNodeHoldsUpNoOtherAndIsNotFlooded) {
  const NodeId slow = add_node(), quick = add_node();
  start();
  join(1, slow);
  const std::uint64_t session = join(2, quick);
  std::size_t to_quick = 0;
  for (int i = 0; i < 100; ++i) {
    add_task(slow);
    add_task(quick);
    for (const auto& update : heard<wire::FeedUpdate>(2)) {
      ++to_quick;
      say(2, quick, wire::FeedAck{session, update.to, 0, {}});
    }
  }
  EXPECT_EQ(to_quick, 100u);
  EXPECT_EQ(heard<wire::FeedUpdate>(1).size(), 4u) << "as many as may be on their way";
}

TEST_F(DispatcherTest, ALostUpdateIsToldAgain) {
  const NodeId node = add_node();
  start();
  const std::uint64_t session = join(1, node);
  add_task(node);
  const auto lost = heard<wire::FeedUpdate>(1).at(0);
  add_task(node);
  const auto refused = heard<wire::FeedUpdate>(1).at(0);
  say(1, node, wire::FeedAck{session, lost.from, refused.to, {}});
  auto again = heard<wire::FeedUpdate>(1);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].from, lost.from);
  EXPECT_EQ(tasks_in(again[0]).size(), 2u);
  pass(Duration::millis(500));
  const auto later = heard<wire::FeedUpdate>(1);
  ASSERT_EQ(later.size(), 1u) << "it got lost, too";
  EXPECT_EQ(later[0].from, lost.from);
  EXPECT_EQ(tasks_in(later[0]).size(), 2u);
  say(1, node, wire::FeedAck{session, later[0].to, 0, {}});
  EXPECT_TRUE(heard<wire::FeedUpdate>(1).empty());
}

TEST_F(DispatcherTest, ANewLeaderBeginsWithTheCompleteFeed) {
  const NodeId node = add_node();
  start();
  join(1, node);
  const TaskId task = add_task(node);
  Dispatcher next(Rng(13), kPeriod);
  next.start(store_, now_, WallTime{1});
  next.on_message(store_, 1, {{}, node}, "127.0.1.9", wire::Register{node, {}}, now_);
  std::vector<wire::FeedUpdate> updates;
  for (const auto& send : next.take_sends())
    if (const auto* update = std::get_if<wire::FeedUpdate>(&send.message)) updates.push_back(*update);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].first && updates[0].last) << "it does not know what the node has heard";
  EXPECT_EQ(updates[0].from, 0u);
  EXPECT_EQ(updates[0].store_version, store_.version());
  EXPECT_EQ(tasks_in(updates[0]), std::vector<TaskId>{task});
}

TEST_F(DispatcherTest, WhatKeepsANodeFromServingIsItsMessage) {
  const NodeId node = add_node();
  start();
  const std::uint64_t session = join(1, node);
  say(1, node, wire::FeedAck{session, 0, 0, {"port 80 is in use", "port 81 is in use"}});
  EXPECT_EQ(status(node).message, "port 80 is in use; port 81 is in use");
  EXPECT_EQ(status(node).state, NodeState::ready);
  say(1, node, wire::FeedAck{session, 0, 0, {}});
  EXPECT_EQ(status(node).message, "");
}

TEST_F(DispatcherTest, ReportsAreAcknowledgedWhenTheyAreStored) {
  const NodeId node = add_node(), other = add_node();
  const TaskId own = add_task(node), foreign = add_task(other);
  start();
  const std::uint64_t session = join(1, node);
  heard<wire::FeedUpdate>(1);
  model::TaskStatus running;
  running.state = TaskState::running;
  const wire::TaskReport report{
      session, 5, {{own, running}, {foreign, running}, {TaskId::random(rng_), running}}};
  dispatcher_.on_message(store_, 1, {{}, node}, "", report, now_);
  auto plan = dispatcher_.plan(store_, now_, WallTime{1});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->actions.size(), 1u);
  dispatcher_.settled(store_, model::Outcome{false, 0, "dropped"}, now_);
  EXPECT_TRUE(heard<wire::TaskReportAck>(1).empty());
  run();
  EXPECT_EQ(heard<wire::TaskReportAck>(1).at(0).sequence, 5u);
  EXPECT_EQ(state(own), TaskState::running);
  EXPECT_NE(store_.task(own)->applied_at, WallTime{});
  EXPECT_EQ(state(foreign), TaskState::assigned);
  EXPECT_TRUE(heard<wire::FeedUpdate>(1).empty()) << "what the agent said is no news to it";
  const auto version = store_.version();
  say(1, node, report);  // repeated: acknowledged, and nothing is written
  EXPECT_EQ(heard<wire::TaskReportAck>(1).size(), 1u);
  EXPECT_EQ(store_.version(), version);
}

TEST_F(DispatcherTest, WhatANodeSaysOfItsTasksIsStoredWithinBounds) {
  const NodeId node = add_node();
  const TaskId id = add_task(node);
  start();
  const std::uint64_t session = join(1, node);
  model::TaskStatus said;
  said.state = TaskState::failed;
  said.err = said.message = said.container.container_id =
      std::string(model::kLongestStatusText - 4, 'x') + "\u00e4\u00e4\u00e4";
  said.port_status.resize(50'000);
  said.timestamp.ns = std::numeric_limits<std::int64_t>::min();
  say(1, node, wire::TaskReport{session, 1, {{id, said}}});
  const auto kept = store_.task(id)->status;
  EXPECT_EQ(kept.err, std::string(model::kLongestStatusText - 4, 'x') + "...") << "no half of a character";
  EXPECT_EQ(kept.message, kept.err);
  EXPECT_EQ(kept.container.container_id, kept.err);
  EXPECT_EQ(kept.port_status.size(), model::kMostStatusPorts);
  EXPECT_EQ(kept.timestamp, WallTime{0});
  wire::FeedAck ack;
  ack.session = session;
  ack.problems.assign(3, std::string(1 << 20, 'p'));
  say(1, node, ack);
  EXPECT_LE(store_.node(node)->status.message.size(), model::kLongestStatusText);
}

TEST_F(DispatcherTest, ATaskThatHadToMoveHasMovedWhenItsNodeSaysSo) {
  const NodeId node = add_node();
  const TaskId id = add_task(node, TaskState::running);
  start();
  const std::uint64_t session = join(1, node);
  model::TaskStep step;
  step.id = id;
  step.status = model::TaskStatus{};
  step.status->state = TaskState::rejected;
  step.status->message = model::kHasToMove;
  apply({step});
  model::TaskStatus said;
  said.state = TaskState::running;
  say(1, node, wire::TaskReport{session, 1, {{id, said}}});
  EXPECT_TRUE(model::may_still_stop(*store_.task(id))) << "it runs in its grace";
  said.state = TaskState::shutdown;
  said.message = "shutdown";
  say(1, node, wire::TaskReport{session, 2, {{id, said}}});
  EXPECT_EQ(state(id), TaskState::rejected);
  EXPECT_EQ(store_.task(id)->status.message, model::kNoLongerFits);
}

TEST_F(DispatcherTest, FactsOfTheSessionAreToldWhenTheyChange) {
  const NodeId node = add_node();
  start();
  const std::uint64_t session = join(1, node);
  model::Node promoted = *store_.node(node);
  promoted.spec.desired_role = model::NodeRole::manager;
  put(promoted);
  auto told = heard<wire::Session>(1);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].session, session);
  EXPECT_EQ(told[0].role, model::NodeRole::manager);
  dispatcher_.set_managers({{node, 7, {}}});
  run();
  EXPECT_EQ(heard<wire::Session>(1).at(0).managers.size(), 1u);
  dispatcher_.set_managers({{node, 7, {}}});
  run();
  EXPECT_TRUE(heard<wire::Session>(1).empty());
}

TEST_F(DispatcherTest, ADemotedManagerIsToldWhenItIsOutOfTheGroup) {
  const NodeId node = add_node();
  start();
  join(1, node);
  model::Node manager = *store_.node(node);
  manager.spec.desired_role = manager.role = model::NodeRole::manager;
  put(manager);
  manager = *store_.node(node);
  manager.spec.desired_role = model::NodeRole::worker;
  put(manager);
  EXPECT_EQ(heard<wire::Session>(1).back().role, model::NodeRole::manager);
  manager = *store_.node(node);
  manager.role = model::NodeRole::worker;
  put(manager);
  EXPECT_EQ(heard<wire::Session>(1).back().role, model::NodeRole::worker);
}

TEST_F(DispatcherTest, ANodeThatLeftStaysDownWhenItsLinkCloses) {
  const NodeId node = add_node();
  start();
  join(1, node);
  model::Node left = *store_.node(node);
  left.status.state = NodeState::down;
  left.status.message = "the node left the swarm";
  put(left);
  dispatcher_.on_link_closed(store_, 1, now_);
  run();
  pass(kPeriod * 3);
  EXPECT_EQ(status(node).message, "the node left the swarm");
}

}  // namespace
}  // namespace swarm::dispatcher
