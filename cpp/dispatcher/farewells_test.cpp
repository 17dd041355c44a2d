// A task that is to stop: its node hears of it when no node leads connections to it any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "dispatcher/farewells.hpp"
#include "dispatcher/test_dispatcher.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;

TEST(Farewells, IsOverWithTheLastNodeThatHasHeard) {
  Farewells farewells;
  farewells.begin(TaskId(1), {NodeId(1), NodeId(2)}, Instant{1});
  farewells.begin(TaskId(2), {NodeId(2)}, Instant{2});
  EXPECT_EQ(farewells.waiting_for(NodeId(2)), (std::vector{TaskId(1), TaskId(2)}));
  EXPECT_FALSE(farewells.has_heard(TaskId(1), NodeId(2)));
  EXPECT_FALSE(farewells.has_heard(TaskId(1), NodeId(2))) << "once more says nothing";
  EXPECT_TRUE(farewells.has_heard(TaskId(1), NodeId(1)));
  EXPECT_FALSE(farewells.contains(TaskId(1)));
  EXPECT_TRUE(farewells.waiting_for(NodeId(1)).empty());
  EXPECT_EQ(farewells.next_deadline(), Instant{2} + kFarewell);
  EXPECT_TRUE(farewells.take_due(Instant{1} + kFarewell).empty());
  EXPECT_EQ(farewells.take_due(Instant{2} + kFarewell), (std::vector{TaskId(2)}));
  EXPECT_EQ(farewells.next_deadline(), Instant::never());
  EXPECT_TRUE(farewells.waiting_for(NodeId(2)).empty());
}

class FarewellTest : public DispatcherTest {
 protected:
  FarewellTest() {
    model::Network net;
    net.id = net_;
    net.annotations.name = "net";
    net.allocated = {{"10.0.1.0/24", "", "10.0.1.1"}};
    put(net);
    for (const PeerLink link : {kHome, kFriend, kStranger})
      node_[link] = add_node(model::NodeState::ready, wire::kOverlaysSince);
    task_ = add_on_net(kHome);
    other_ = add_on_net(kFriend);
    start();
    for (const PeerLink link : {kHome, kFriend, kStranger}) enter(link);
    for (const PeerLink link : {kHome, kFriend, kStranger}) settle(link);
  }
  TaskId add_on_net(PeerLink at) {
    model::Task task;
    task.id = TaskId::random(rng_);
    task.service_id = service_;
    task.slot = ++slot_;
    task.node_id = node_[at];
    task.status.state = TaskState::running;
    task.attachments = {{net_, {"10.0.1." + std::to_string(10 + slot_) + "/24"}}};
    put(task);
    return task.id;
  }
  void enter(PeerLink link) {
    say(link, node_[link], wire::Register{node_[link], store_.node(node_[link])->description, 0});
    for (const auto& session : heard<wire::Session>(link)) session_[link] = session.session;
    settle(link);
  }
  // It acknowledges all that is said to it.
  void settle(PeerLink link) {
    for (auto all = heard<wire::FeedUpdate>(link); !all.empty(); all = heard<wire::FeedUpdate>(link))
      ack(link, all.back());
  }
  void ack(PeerLink link, const wire::FeedUpdate& update) {
    say(link, node_[link], wire::FeedAck{session_[link], update.to, 0, {}});
  }
  // The one update on the link that has come since the last call.
  wire::FeedUpdate update(PeerLink link) {
    const auto all = heard<wire::FeedUpdate>(link);
    EXPECT_EQ(all.size(), 1U) << "on link " << link;
    return all.empty() ? wire::FeedUpdate{} : all.front();
  }
  bool hears_of_the_stop(PeerLink link) {
    bool out = false;
    for (const auto& one : heard<wire::FeedUpdate>(link))
      for (const auto& item : one.items)
        if (const auto* task = std::get_if<model::Task>(&item)) out |= task->id == task_;
    return out;
  }
  static constexpr PeerLink kHome = 1, kFriend = 2, kStranger = 3;
  const NetworkId net_{70};
  std::map<PeerLink, NodeId> node_;
  std::map<PeerLink, std::uint64_t> session_;
  TaskId task_, other_;
};

TEST_F(FarewellTest, ItsNodeHearsOfItWhenAllWithTasksOnItsNetworksHaveSaidSo) {
  want(task_, TaskState::shutdown);
  const auto here = update(kHome), there = update(kFriend);
  EXPECT_TRUE(tasks_in(here).empty()) << "the row alone";
  EXPECT_TRUE(heard<wire::FeedUpdate>(kStranger).empty()) << "it has no task on the network";
  ack(kHome, here);
  EXPECT_FALSE(hears_of_the_stop(kHome));
  ack(kFriend, there);
  const auto stop = update(kHome);
  EXPECT_EQ(tasks_in(stop), (std::vector{task_}));
}

TEST_F(FarewellTest, WithNoOtherNodeItWaitsForItsOwnAlone) {
  apply({model::Remove::of<model::Task>(other_)});
  settle(kHome);
  settle(kFriend);
  want(task_, TaskState::shutdown);
  ack(kHome, update(kHome));
  EXPECT_TRUE(hears_of_the_stop(kHome));
  EXPECT_TRUE(heard<wire::FeedUpdate>(kFriend).empty());
}

TEST_F(FarewellTest, ANodeThatDoesNotAnswerHoldsItForHalfASecond) {
  want(task_, TaskState::shutdown);
  ack(kHome, update(kHome));
  EXPECT_EQ(dispatcher_.next_deadline(), now_ + kFarewell);
  pass(kFarewell - Duration::nanos(1));
  EXPECT_FALSE(hears_of_the_stop(kHome));
  pass(Duration::nanos(1));
  EXPECT_TRUE(hears_of_the_stop(kHome));
}

TEST_F(FarewellTest, ANodeThatLosesItsSessionHoldsItForNoLonger) {
  want(task_, TaskState::shutdown);
  ack(kHome, update(kHome));
  dispatcher_.on_link_closed(store_, kFriend, now_);
  run();
  pass(kFarewell);
  EXPECT_TRUE(hears_of_the_stop(kHome));
}

TEST_F(FarewellTest, ANodeWithoutASessionIsNotWaitedFor) {
  dispatcher_.on_link_closed(store_, kFriend, now_);
  run();
  want(task_, TaskState::shutdown);
  ack(kHome, update(kHome));
  EXPECT_TRUE(hears_of_the_stop(kHome));
}

TEST_F(FarewellTest, AnOldAcknowledgementDoesNotSayThatTheRowHasCome) {
  const TaskId late = add_on_net(kFriend);
  const auto before_here = update(kHome), before_there = update(kFriend);
  want(task_, TaskState::shutdown);
  const auto here = update(kHome), there = update(kFriend);
  ack(kHome, before_here);
  ack(kFriend, before_there);
  EXPECT_FALSE(hears_of_the_stop(kHome)) << late;
  ack(kHome, here);
  ack(kFriend, there);
  EXPECT_TRUE(hears_of_the_stop(kHome));
}

TEST_F(FarewellTest, ATaskThatEndsMeanwhileIsHeardOfOnceTheTimeIsOver) {
  want(task_, TaskState::shutdown);
  model::TaskStep ended;
  ended.id = task_;
  ended.status = store_.task(task_)->status;
  ended.status->state = TaskState::failed;
  apply({ended});
  run();
  settle(kHome);
  pass(kFarewell);
  EXPECT_TRUE(hears_of_the_stop(kHome));
  pass(kFarewell * 2);
  EXPECT_EQ(state(task_), TaskState::failed);
}

TEST_F(FarewellTest, ATaskThatIsRemovedMeanwhileGoesAtOnce) {
  want(task_, TaskState::shutdown);
  const auto here = update(kHome);
  apply({model::Remove::of<model::Service>(service_), model::Remove::of<model::Task>(task_)});
  const auto gone = update(kHome);
  EXPECT_TRUE(std::ranges::count(gone.removed, wire::FeedKey::task(task_)) == 1);
  ack(kHome, here);
  ack(kHome, gone);
  pass(kFarewell);
  EXPECT_TRUE(heard<wire::FeedUpdate>(kHome).empty()) << "nothing is left to say";
}

TEST_F(FarewellTest, ASecondWishDoesNotBeginItAnew) {
  want(task_, TaskState::shutdown);
  ack(kHome, update(kHome));
  pass(kFarewell - Duration::millis(1));
  want(task_, TaskState::remove);
  EXPECT_FALSE(hears_of_the_stop(kHome));
  pass(Duration::millis(1));
  EXPECT_TRUE(hears_of_the_stop(kHome));
}

TEST_F(FarewellTest, ATaskThatDoesNotServeYetIsToldAtOnce) {
  model::Task task = *store_.task(task_);
  task.id = TaskId::random(rng_);
  task.meta = {};
  task.status.state = TaskState::starting;
  put(task);
  heard<wire::FeedUpdate>(kHome);
  want(task.id, TaskState::shutdown);
  EXPECT_EQ(tasks_in(update(kHome)), (std::vector{task.id}));
}

}  // namespace
}  // namespace swarm::dispatcher
