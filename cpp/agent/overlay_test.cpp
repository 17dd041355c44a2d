// What the worker does with rows of overlay networks: it passes them on, and says that it has an update once
// they are carried out.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"

namespace swarm::agent {
namespace {

using Numbers = std::vector<std::uint64_t>;

class WorkerOverlayTest : public testing::Test {
 protected:
  void open_session(std::uint64_t number) {
    worker_.connected(now_);
    say(wire::Session{number, Duration::millis(500), model::NodeRole::worker, {}});
    session_ = number;
    take();
  }
  void say(const wire::Message& message) { worker_.on_message(message, now_, WallTime{1}); }
  // What comes out since the last call: acknowledgements, and changes of overlay networks.
  void take() {
    acks_.clear();
    changes_.clear();
    for (auto& effect : worker_.take_effects()) {
      if (auto* change = std::get_if<ChangeOverlay>(&effect)) changes_.push_back(std::move(*change));
      const auto* send = std::get_if<SendToManager>(&effect);
      const auto* ack = send != nullptr ? std::get_if<wire::FeedAck>(&send->message) : nullptr;
      if (ack != nullptr) acks_.push_back(ack->applied);
    }
  }
  wire::FeedUpdate make(std::uint64_t from, std::vector<wire::FeedItem> items) const {
    wire::FeedUpdate out;
    out.session = session_;
    out.from = from;
    out.to = from + 1;
    out.first = out.last = from == 0;
    out.items = std::move(items);
    return out;
  }
  // The update with number `from` + 1; the first one of a session is the complete feed.
  void update(std::uint64_t from, std::vector<wire::FeedItem> items = {}) {
    say(make(from, std::move(items)));
    take();
  }
  void carried_out(std::uint64_t change) {
    worker_.on_overlay(change, now_);
    take();
  }
  static wire::FeedItem row(std::uint64_t network = 1) {
    return wire::OverlayNetwork{NetworkId(network), "net", 4097, {"10.0.1.0/24"}};
  }

  Worker worker_{NodeId(1), model::NodeDescription{}, Rng(6)};
  Instant now_{1'000};
  std::uint64_t session_ = 0;
  Numbers acks_;
  std::vector<ChangeOverlay> changes_;
};

TEST_F(WorkerOverlayTest, ANodeThatNeverHadRowsAcknowledgesAtOnce) {
  open_session(7);
  update(0);
  EXPECT_EQ(acks_, Numbers{1});
  EXPECT_TRUE(changes_.empty()) << "nothing to forget either";
  update(1, {wire::MeshService{ServiceId(4), {}}});
  EXPECT_EQ(acks_, Numbers{2});
  EXPECT_TRUE(changes_.empty());
}

TEST_F(WorkerOverlayTest, RowsAreAcknowledgedOnceTheyAreCarriedOut) {
  open_session(7);
  update(0, {row()});
  EXPECT_EQ(acks_, Numbers{0});
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_TRUE(changes_[0].change.first && changes_[0].change.last);
  EXPECT_EQ(changes_[0].change.networks.size(), 1U);
  carried_out(changes_[0].number);
  EXPECT_EQ(acks_, Numbers{1});
}

TEST_F(WorkerOverlayTest, EveryKindOfRowIsPassedOn) {
  open_session(7);
  wire::OverlayTask task;
  task.task = TaskId(10);
  update(0, {row(), wire::OverlayService{ServiceId(4), "web", {}}, task});
  const auto came = changes_.at(0).change;
  EXPECT_EQ(came.networks.size() + came.services.size() + came.tasks.size(), 3U);
  auto gone = make(1, {});
  gone.removed = {wire::FeedKey::overlay_network(NetworkId(1)), wire::FeedKey::overlay_service(ServiceId(4)),
                  wire::FeedKey::overlay_task(TaskId(10))};
  say(gone);
  take();
  const auto& went = changes_.at(0).change;
  EXPECT_EQ(went.removed_networks, std::vector{NetworkId(1)});
  EXPECT_EQ(went.removed_services, std::vector{ServiceId(4)});
  EXPECT_EQ(went.removed_tasks, std::vector{TaskId(10)});
  EXPECT_FALSE(went.first || went.last);
}

TEST_F(WorkerOverlayTest, LaterUpdatesWaitForTheRowsBeforeThem) {
  open_session(7);
  update(0);
  update(1, {row(1)});
  const std::uint64_t first = changes_.at(0).number;
  update(2, {wire::MeshService{ServiceId(4), {}}});
  EXPECT_EQ(acks_, Numbers{1});
  update(3, {row(2)});
  const std::uint64_t second = changes_.at(0).number;
  update(4);
  EXPECT_EQ(acks_, Numbers{1});
  carried_out(first);
  EXPECT_EQ(acks_, Numbers{3}) << "all before the rows that are not there yet";
  carried_out(second);
  EXPECT_EQ(acks_, Numbers{5});
}

TEST_F(WorkerOverlayTest, ARepeatedUpdateAcknowledgesNoMore) {
  open_session(7);
  update(0);
  update(1, {row()});
  const std::uint64_t change = changes_.at(0).number;
  update(1, {row()});
  EXPECT_EQ(acks_, Numbers{1});
  EXPECT_TRUE(changes_.empty()) << "heard before";
  carried_out(change);
  carried_out(change);
  EXPECT_TRUE(acks_.empty()) << "said before";
}

TEST_F(WorkerOverlayTest, AnUpdateThatIsToldAgainInANewOneWaitsForBoth) {
  open_session(7);
  update(0);
  update(1, {row()});
  const std::uint64_t first = changes_.at(0).number;
  auto again = make(1, {row()});
  again.to = 5;  // the manager has not heard of the first, and gathers
  say(again);
  take();
  EXPECT_EQ(acks_, Numbers{1});
  const std::uint64_t second = changes_.at(0).number;
  carried_out(first);
  EXPECT_EQ(acks_, Numbers{4});
  carried_out(second);
  EXPECT_EQ(acks_, Numbers{5});
}

TEST_F(WorkerOverlayTest, ProblemsAreToldWithoutSayingMoreThanIsDone) {
  open_session(7);
  update(0, {row()});
  worker_.set_problems({"no room"}, now_);
  take();
  EXPECT_EQ(acks_, Numbers{0});
}

TEST_F(WorkerOverlayTest, WhatAnEarlierSessionBeganSaysNothingOfThisOne) {
  open_session(7);
  update(0, {row(1)});
  const std::uint64_t old = changes_.at(0).number;
  worker_.disconnected(now_);
  open_session(8);
  update(0, {row(1), row(2)});  // the same number
  EXPECT_EQ(acks_, Numbers{0});
  const std::uint64_t change = changes_.at(0).number;
  carried_out(old);
  EXPECT_TRUE(acks_.empty());
  carried_out(change);
  EXPECT_EQ(acks_, Numbers{1});
}

TEST_F(WorkerOverlayTest, WithoutASessionItSaysNothing) {
  open_session(7);
  update(0, {row()});
  const std::uint64_t change = changes_.at(0).number;
  worker_.disconnected(now_);
  take();
  carried_out(change);
  EXPECT_TRUE(acks_.empty());
}

TEST_F(WorkerOverlayTest, ACompleteFeedWithoutRowsForgetsThoseOfBefore) {
  open_session(7);
  update(0, {row()});
  worker_.disconnected(now_);
  open_session(8);
  update(0);
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_TRUE(changes_[0].change.first && changes_[0].change.last);
  EXPECT_TRUE(changes_[0].change.networks.empty());
  EXPECT_EQ(acks_, Numbers{0});
}

}  // namespace
}  // namespace swarm::agent
