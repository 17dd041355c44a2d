// What one node gets, and when: from a real store; the test plays the node.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/feed.hpp"
#include "dispatcher/overlay_directory.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;
using wire::FeedKey;
using wire::FeedUpdate;

class FeedTest : public testing::Test {
 protected:
  FeedTest() {
    for (const NodeId id : {here_, there_}) {
      model::Node node;
      node.id = id;
      node.status.addr = "127.0.1.9";
      apply({model::Put{node}});
    }
    model::Service service;
    service.id = service_;
    service.spec.annotations.name = "web";
    service.ports = {{"", model::PortProtocol::tcp, 80, 8080, model::PublishMode::ingress}};
    apply({model::Put{service}});
    mesh_.start(store_);
  }
  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.time = WallTime{1};
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    for (const auto& any : applied.changes.changes)
      if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) mesh_.note(store_, *task);
    for (const auto& key : mesh_.take_changed()) feed_.note(key);
  }
  model::Task make(std::uint64_t id, NodeId node, TaskState state) {
    model::Task task;
    task.id = TaskId(id);
    task.service_id = service_;
    task.slot = id;
    task.node_id = node;
    task.status.state = state;
    return task;
  }
  // As the dispatcher does with a change of the node's task.
  void put(std::uint64_t id, NodeId node, TaskState state = TaskState::assigned) {
    apply({model::Put{make(id, node, state)}});
    if (node == here_) feed_.note(FeedKey::task(TaskId(id)));
  }
  void remove(std::uint64_t id) {
    apply({model::Remove::of<model::Task>(TaskId(id))});
    feed_.note(FeedKey::task(TaskId(id)));
  }
  std::vector<FeedUpdate> take() {
    std::vector<FeedUpdate> out;
    while (auto update = feed_.next(FeedSource(store_, mesh_, overlay_), here_, now_))
      out.push_back(std::move(*update));
    return out;
  }
  void ack(std::uint64_t number, std::uint64_t refused = 0) { feed_.on_ack({0, number, refused, {}}, now_); }
  // The complete feed is sent and acknowledged.
  void begin() {
    for (auto updates = take(); !updates.empty(); updates = take()) ack(updates.back().to);
  }
  // The items' keys, as "task 3", "service 4", "backend 3", and "-task 3" for what is removed.
  static std::vector<std::string> words(const FeedUpdate& update) {
    std::vector<std::string> out;
    const auto number = [](auto id) { return std::to_string(static_cast<std::uint64_t>(id.value())); };
    for (const auto& item : update.items) {
      if (const auto* task = std::get_if<model::Task>(&item)) out.push_back("task " + number(task->id));
      if (const auto* row = std::get_if<wire::MeshService>(&item))
        out.push_back("service " + number(row->service));
      if (const auto* row = std::get_if<model::MeshBackend>(&item))
        out.push_back("backend " + number(row->task));
    }
    for (const auto& key : update.removed)
      out.push_back((key.kind == wire::FeedKind::task ? "-task " : "-row ") + number(TaskId(key.id)));
    return out;
  }
  using Words = std::vector<std::string>;

  store::Store store_;
  MeshDirectory mesh_;
  OverlayDirectory overlay_;
  Feed feed_;
  const NodeId here_{1}, there_{2};
  const ServiceId service_{4};
  Instant now_{1'000};
};

TEST_F(FeedTest, ASessionBeginsWithAllThatConcernsTheNodeAndNothingElse) {
  put(10, here_);
  put(11, there_, TaskState::running);
  put(12, here_, TaskState::pending);
  const auto updates = take();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].first && updates[0].last);
  EXPECT_EQ(updates[0].from, 0u);
  EXPECT_EQ(updates[0].store_version, store_.version());
  EXPECT_EQ(words(updates[0]), (Words{"task 10", "service 4", "backend 11"}))
      << "no other node's task, but every row of the mesh";
}

TEST_F(FeedTest, TheCompleteFeedComesInPieces) {
  for (std::uint64_t id = 100; id < 100 + kPiece * 6; ++id) put(id, here_);
  std::set<std::string> told;
  std::uint64_t expected = 0, pieces = 0;
  bool last = false;
  for (auto updates = take(); !updates.empty(); updates = take()) {
    EXPECT_LE(updates.size(), kWindow) << "on their way";
    for (const auto& update : updates) {
      EXPECT_EQ(update.from, expected);
      EXPECT_EQ(update.first, expected == 0);
      EXPECT_FALSE(last);
      EXPECT_LE(update.items.size(), kPiece);
      for (const auto& word : words(update))
        EXPECT_TRUE(told.insert(word).second) << word << " was told twice";
      expected = update.to;
      last = update.last;
      ++pieces;
    }
    ack(updates.back().to);
  }
  EXPECT_TRUE(last);
  EXPECT_EQ(pieces, 7u);
  EXPECT_EQ(told.size(), kPiece * 6 + 1);
}

TEST_F(FeedTest, AChangeDuringTheCompleteFeedIsToldWhereThePiecesHavePassed) {
  for (std::uint64_t id = 100; id < 100 + kPiece * 6; ++id) put(id, here_);
  auto updates = take();
  remove(100);                   // was sent
  remove(100 + kPiece * 6 - 1);  // was not, and never will be
  ack(updates.back().to);
  Words rest;
  for (updates = take(); !updates.empty(); updates = take()) {
    for (const auto& update : updates)
      for (const auto& word : words(update)) rest.push_back(word);
    ack(updates.back().to);
  }
  EXPECT_EQ(std::ranges::count(rest, "-task 100"), 1);
  EXPECT_EQ(rest.size(), kPiece * 2 - 1 + 1 + 1)
      << "two pieces less one, the row of the service, what is gone";
}

TEST_F(FeedTest, AWindowIsOnItsWayAndTheRestIsGathered) {
  begin();
  Words told;
  std::uint64_t newest = 0;
  for (std::uint64_t id = 10; id < 20; ++id) {
    put(id, here_);
    for (const auto& update : take()) {
      EXPECT_EQ(words(update).size(), 1u);
      told.push_back(words(update)[0]);
      newest = update.to;
    }
  }
  EXPECT_EQ(told, (Words{"task 10", "task 11", "task 12", "task 13"}));
  remove(19);
  ack(newest);
  const auto updates = take();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(words(updates[0]), (Words{"task 14", "task 15", "task 16", "task 17", "task 18", "-task 19"}));
  EXPECT_EQ(updates[0].from, newest);
}

TEST_F(FeedTest, WhatIsGoneOrIsNotTheNodesIsRemoved) {
  put(10, here_);
  put(11, there_);
  put(12, here_, TaskState::pending);
  begin();
  remove(10);
  feed_.note(FeedKey::task(TaskId(11)));
  feed_.note(FeedKey::task(TaskId(12)));
  const auto updates = take();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(words(updates[0]), (Words{"-task 10", "-task 11", "-task 12"}));
}

TEST_F(FeedTest, ANodeThatAnswersAgainIsTrustedAgain) {
  begin();
  put(10, here_);
  take();
  now_ = feed_.next_deadline();
  ack(take().at(0).to);
  for (std::uint64_t id = 11; id < 13; ++id) {
    put(id, here_);
    EXPECT_EQ(take().size(), 1u) << "the window is open";
  }
  EXPECT_EQ(feed_.next_deadline() - now_, Duration::millis(500));
}

TEST_F(FeedTest, ALostUpdateIsToldAgainWithWhatHasChangedSince) {
  begin();
  put(10, here_);
  const auto lost = take().at(0);
  put(11, here_);
  const auto second = take().at(0);
  EXPECT_EQ(second.from, lost.to);
  remove(10);
  put(12, here_);
  take();
  ack(lost.from, second.to);  // the node has not come to what it builds on
  const auto again = take();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].from, lost.from);
  EXPECT_GT(again[0].to, second.to) << "a number is never used again";
  EXPECT_EQ(words(again[0]), (Words{"task 11", "task 12", "-task 10"})) << "as things are by now";
  ack(lost.from, second.to);
  EXPECT_TRUE(take().empty()) << "an old refusal says nothing new";
}

TEST_F(FeedTest, WithoutAnAcknowledgementItIsToldAgainOneByOneAndLessAndLessOften) {
  begin();
  put(10, here_);
  EXPECT_EQ(take().size(), 1u);
  Duration waited{};
  for (int i = 0; i < 6; ++i) {
    ASSERT_NE(feed_.next_deadline(), Instant::never());
    EXPECT_GE(feed_.next_deadline() - now_, waited);
    waited = feed_.next_deadline() - now_;
    now_ = feed_.next_deadline();
    put(20 + static_cast<std::uint64_t>(i), here_);
    const auto again = take();
    ASSERT_EQ(again.size(), 1u) << "a node that does not answer is not flooded";
    EXPECT_EQ(again[0].items.size(), 2u + static_cast<std::size_t>(i));
  }
  EXPECT_EQ(waited, Duration::seconds(8));
  put(40, here_);
  EXPECT_TRUE(take().empty());
}

TEST_F(FeedTest, APieceThatGotLostComesAgainWithThoseBehindIt) {
  for (std::uint64_t id = 100; id < 100 + kPiece * 2; ++id) put(id, here_);
  const auto updates = take();
  ASSERT_EQ(updates.size(), 3u);
  ack(updates[0].to, updates[2].to);  // the second is lost
  const auto again = take();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].from, updates[0].to);
  EXPECT_EQ(words(again[0]), words(updates[1]));
  EXPECT_EQ(words(again[1]), words(updates[2]));
  EXPECT_FALSE(again[0].first);
  EXPECT_TRUE(again[1].last);
}

TEST_F(FeedTest, WhatIsGoneIsRemovedThoughThePieceThatNamedItComesAgain) {
  for (std::uint64_t id = 100; id < 100 + kPiece * 3; ++id) put(id, here_);
  const auto updates = take();
  ASSERT_EQ(updates.size(), 4u);
  ack(updates[0].to);  // the node has the others, too; its words about them are lost
  now_ = feed_.next_deadline();
  const auto again = take();
  ASSERT_EQ(again.size(), 1u) << "the second, one by one";
  const std::uint64_t in_the_third = 100 + kPiece * 2 + 1;
  remove(in_the_third);
  ack(again[0].to);
  Words rest;
  for (auto more = take(); !more.empty(); more = take()) {
    for (const auto& update : more)
      for (const auto& word : words(update)) rest.push_back(word);
    ack(more.back().to);
  }
  EXPECT_EQ(std::ranges::count(rest, "-task " + std::to_string(in_the_third)), 1);
}

TEST_F(FeedTest, ANodeThatIsFarBehindStartsOver) {
  begin();
  put(10, here_);
  take();
  for (std::uint64_t id = 1; id < kMaxNoted + 10; ++id) feed_.note(FeedKey::mesh_backend(TaskId(id << 20)));
  const auto updates = take();
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].first && updates[0].last);
  EXPECT_EQ(updates[0].from, 0u) << "whatever it knows";
  EXPECT_EQ(words(updates[0]), (Words{"task 10", "service 4"}));
}

}  // namespace
}  // namespace swarm::dispatcher
