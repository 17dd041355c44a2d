// Each rule of the table: an honest message passes, and one change to it breaks that rule and no other.
#include "node/judge.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "node/replica_disk.hpp"
#include "node/test_leader.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

using raft::Entry;
using raft::EntryType;
using raft::Message;
using raft::MessageType;

constexpr std::uint64_t kAll = ~std::uint64_t{0};
// Member 2 follows member 1 in term 5; its log has ten entries.
const Known kFollower{2, 5, 1, 10};
const Known kLeader{2, 5, 2, 10};
const Known kJoiner{2, 0, 0, 0};
const Known kWithTail{2, 5, 1, 10, 3};  // its entry at the commit index is of term 3

Message from(raft::PeerId peer, MessageType type, raft::Term term = 5) {
  Message message;
  message.type = type;
  message.from = peer;
  message.to = 2;
  message.term = term;
  return message;
}
std::string transaction() {
  model::Transaction one;
  one.request = 7;
  return codec::encode(one);
}
Message append() {
  Message message = from(1, MessageType::app);
  message.index = 10;
  message.log_term = 4;
  message.commit = 12;
  message.entries = {{4, 11, EntryType::normal, transaction()}, {5, 12, EntryType::normal, ""}};
  return message;
}
Message heartbeat(raft::Index commit) {
  Message message = from(1, MessageType::heartbeat);
  message.commit = commit;
  return message;
}
Message snapshot() {
  Message message = from(1, MessageType::snap);
  message.snapshot = std::make_shared<raft::Snapshot>();
  message.snapshot->index = 20;
  message.snapshot->term = 4;
  message.snapshot->conf_state.voters = {1, 3};
  message.snapshot->conf_state.learners = {2};
  return message;
}
Message read(MessageType type) {
  Message message = from(1, type, type == MessageType::read_index ? 0 : 5);
  message.entries = {{0, 0, EntryType::normal, "12345678"}};
  return message;
}
Message acknowledgement(raft::Index index) {
  Message message = from(1, MessageType::app_resp);
  message.index = index;
  return message;
}
template <class Change>
Message with(Message message, Change change) {
  if (message.snapshot) message.snapshot = std::make_shared<raft::Snapshot>(*message.snapshot);
  change(message);
  return message;
}

struct Row {
  Rule rule;
  Known known;
  Message broken;
};

// Long: the table.
std::vector<Row> rows() {
  const auto conf = [](raft::ConfState state) {
    return with(snapshot(), [&](Message& m) { m.snapshot->conf_state = std::move(state); });
  };
  const auto entries = [](std::vector<Entry> list) {
    return with(append(), [&](Message& m) { m.entries = std::move(list); });
  };
  std::vector<Row> rows{
      {Rule::sender, kFollower, from(2, MessageType::heartbeat)},
      {Rule::sender, kFollower, from(0, MessageType::heartbeat)},
      {Rule::sender, kFollower, from(raft::kAppendThread, MessageType::app)},
      {Rule::proposal, kLeader, from(1, MessageType::prop, 0)},
      {Rule::local, kFollower, with(heartbeat(1), [](Message& m) { m.responses.resize(1); })},
      {Rule::local, kFollower, from(1, static_cast<MessageType>(200))},
      {Rule::term, kFollower, from(1, MessageType::heartbeat, kAll)},
      {Rule::term, kFollower, from(1, MessageType::vote, raft::kTermBound)},
      {Rule::term, kJoiner, from(1, MessageType::heartbeat, raft::kTermBound)},
      {Rule::term, kFollower, from(1, MessageType::app, 0)},
      {Rule::term, kFollower, with(append(), [](Message& m) { m.log_term = kAll; })},
      {Rule::leap, kFollower, from(3, MessageType::pre_vote, 6 + kMaxTermLeap)},
      {Rule::leap, kFollower, from(3, MessageType::app_resp, raft::kTermBound - 1)},
      {Rule::index, kFollower, with(append(), [](Message& m) { m.index = kAll; })},
      {Rule::index, kFollower, with(append(), [](Message& m) { m.commit = raft::kIndexBound; })},
      {Rule::index, kLeader, with(acknowledgement(3), [](Message& m) { m.reject_hint = kAll; })},
      {Rule::context, kFollower, with(heartbeat(1), [](Message& m) { m.context.assign(65, 'x'); })},
      {Rule::context, kLeader,
       with(read(MessageType::read_index), [](Message& m) { m.entries[0].data = std::string(65, 'x'); })},
      {Rule::read, kLeader, from(1, MessageType::read_index, 0)},
      {Rule::read, kFollower,
       with(read(MessageType::read_index_resp), [](Message& m) { m.entries.resize(2); })},
      {Rule::commit, kFollower, heartbeat(11)},
      {Rule::commit, kFollower, with(heartbeat(1'000'000'000), [](Message& m) { m.term = 900; })},
      {Rule::commit, kJoiner, heartbeat(1)},
      {Rule::commit, kWithTail, with(heartbeat(10), [](Message& m) { m.log_term = 4; })},
      {Rule::acknowledged, kLeader, acknowledgement(11)},
      {Rule::order, kFollower, entries({{5, 12, EntryType::normal, ""}})},
      {Rule::order, kFollower, entries({{5, 11, EntryType::normal, ""}, {5, 11, EntryType::normal, ""}})},
      {Rule::entry_term, kFollower,
       entries({{5, 11, EntryType::normal, ""}, {4, 12, EntryType::normal, ""}})},
      {Rule::entry_term, kFollower, entries({{3, 11, EntryType::normal, ""}})},
      {Rule::entry_term, kFollower, entries({{6, 11, EntryType::normal, ""}})},
      {Rule::entry, kFollower, entries({{5, 11, static_cast<EntryType>(9), ""}})},
      {Rule::change, kFollower, entries({{5, 11, EntryType::conf_change_v2, "\x01garbage"}})},
      {Rule::change, kFollower, entries({{5, 11, EntryType::conf_change, std::string(1, '\x07')}})},
      {Rule::change, kFollower,
       entries({{5, 11, EntryType::conf_change, std::string("\0\x09", 2) + std::string(12, '\0')}})},
      {Rule::snapshot_place, kFollower, with(snapshot(), [](Message& m) { m.snapshot.reset(); })},
      {Rule::snapshot_place, kFollower, with(snapshot(), [](Message& m) { m.snapshot->index = 0; })},
      {Rule::snapshot_place, kFollower, with(snapshot(), [](Message& m) { m.snapshot->index = kAll; })},
      {Rule::snapshot_place, kFollower, with(snapshot(), [](Message& m) { m.snapshot->term = 6; })},
      {Rule::group, kFollower, conf({})},
      {Rule::group, kFollower, conf({{}, {2}, {}, {}, false})},
      {Rule::group, kFollower, conf({{}, {}, {1, 2}, {}, false})},
      {Rule::group, kFollower, conf({{1, 2, 2}, {}, {}, {}, false})},
      {Rule::group, kFollower, conf({{1, 2}, {2}, {}, {}, false})},
      {Rule::group, kFollower, conf({{0, 1, 2}, {}, {}, {}, false})},
      {Rule::group, kFollower, conf({{1, 2, kAll}, {}, {}, {}, false})},
      {Rule::group, kFollower, conf({{1, 2}, {}, {}, {3}, false})},
  };
  for (const auto type : {MessageType::hup, MessageType::beat, MessageType::unreachable,
                          MessageType::snap_status, MessageType::check_quorum, MessageType::storage_append,
                          MessageType::storage_apply_resp, MessageType::forget_leader})
    rows.push_back({Rule::local, kFollower, from(1, type)});
  for (const auto type :
       {MessageType::app, MessageType::heartbeat, MessageType::timeout_now, MessageType::read_index_resp}) {
    rows.push_back({Rule::leader, kFollower, from(3, type)});
    rows.push_back({Rule::leader, kLeader, from(3, type)});
  }
  return rows;
}

TEST(Judge, WhatBreaksARuleIsRefusedByThatRule) {
  std::set<Rule> seen{Rule::snapshot, Rule::size};  // of the content: below, and in replica_test
  for (const Row& row : rows()) {
    const auto broken = judge(row.broken, row.known);
    EXPECT_EQ(broken, row.rule) << sentence(row.rule)
                                << (broken ? std::string(", not: ") + sentence(*broken) : "");
    seen.insert(row.rule);
  }
  EXPECT_EQ(seen.size(), kRules) << "a rule without a row";
}

TEST(Judge, WhatHonestMembersSayPasses) {
  const auto joint = [](Message& m) { m.snapshot->conf_state = {{1, 2}, {}, {1, 3}, {3}, true}; };
  Entry change =
      raft::encode_conf_change({raft::Transition::automatic, {{raft::ConfChangeType::remove_node, 3, {}}}});
  change.term = 5, change.index = 11;
  const std::vector<std::pair<Known, Message>> honest{
      {kFollower, append()},
      {kFollower, with(append(), [](Message& m) { m.entries.clear(); })},
      {kFollower, with(append(), [&](Message& m) { m.entries = {change}; })},
      {kFollower, with(append(), [](Message& m) { m.commit = 1'000; })},  // of entries that are still to come
      {kFollower, with(append(),
                       [](Message& m) {
                         m.index = 400;
                         m.entries.clear();
                       })},  // this log lags
      {kFollower, heartbeat(10)},
      {kWithTail, heartbeat(10)},  // of an older build
      {kWithTail, with(heartbeat(10), [](Message& m) { m.log_term = 3; })},
      {kWithTail, with(heartbeat(9), [](Message& m) { m.term = 4, m.log_term = 4; })},  // late
      {kFollower,
       with(heartbeat(700), [](Message& m) { m.term = 4; })},  // late: it is answered, not believed
      {kFollower, snapshot()},
      {kFollower, with(snapshot(), joint)},
      {kFollower, from(3, MessageType::heartbeat, 6)},
      {kFollower, from(3, MessageType::vote, 5 + kMaxTermLeap)},
      {kFollower, from(1, MessageType::timeout_now)},
      {kFollower, read(MessageType::read_index_resp)},
      {kLeader, read(MessageType::read_index)},
      {kLeader, acknowledgement(10)},
      {kLeader, with(acknowledgement(4'000), [](Message& m) { m.reject = true; })},
      {kLeader, with(acknowledgement(11), [](Message& m) { m.term = 4; })},
      {kLeader, from(1, MessageType::heartbeat_resp)},
      {kLeader, from(1, MessageType::vote_resp)},  // that no member asked for: it counts for nothing
      {kLeader, with(from(1, MessageType::pre_vote_resp, 0), [](Message& m) { m.reject = true; })},
      {kJoiner,
       from(1, MessageType::heartbeat, raft::kTermBound - 1)},  // a joiner knows no term to compare with
  };
  for (const auto& [known, message] : honest) {
    const auto broken = judge(message, known);
    EXPECT_FALSE(broken) << static_cast<int>(message.type) << ": " << (broken ? sentence(*broken) : "");
  }
}

// ---- entries

TEST(JudgedEntries, AreReadOnceAndGivenToTheOneThatAppliesThem) {
  JudgedEntries judged;
  const Entry entry{5, 11, EntryType::normal, transaction()};
  EXPECT_TRUE(judged.read(entry));
  EXPECT_TRUE(judged.read(entry));
  EXPECT_EQ(judged.size(), 1u);
  const auto taken = judged.take(entry);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->request, 7u);
  EXPECT_FALSE(judged.take(entry));
}

TEST(JudgedEntries, RefuseWhatIsNoTransactionAndPassWhatANewerBuildWrote) {
  JudgedEntries judged;
  EXPECT_FALSE(judged.read({5, 11, EntryType::normal, "\x0a\xff garbage"}));
  EXPECT_TRUE(judged.read({5, 11, EntryType::normal, ""})) << "a leader's first";
  const std::string newer =
      std::string("\x1a\x05\xfa\x07\x02", 5) + "hi";  // an action with a number of its own
  EXPECT_FALSE(codec::decode_transaction(newer).ok());
  EXPECT_TRUE(judged.read({5, 11, EntryType::normal, newer}));
  EXPECT_EQ(judged.size(), 0u);
}

TEST(JudgedEntries, AnotherEntryInThePlaceIsNotTakenForIt) {
  JudgedEntries judged;
  judged.read({5, 11, EntryType::normal, transaction()});
  model::Transaction other;
  other.request = 8;
  EXPECT_FALSE(judged.take({5, 11, EntryType::normal, codec::encode(other)}))
      << "what was judged was not appended";
  judged.read({5, 12, EntryType::normal, transaction()});
  judged.read({6, 12, EntryType::normal, codec::encode(other)});
  EXPECT_EQ(judged.take({6, 12, EntryType::normal, codec::encode(other)})->request, 8u);
}

TEST(JudgedEntries, HoldABoundedNumberOfBytes) {
  JudgedEntries judged;
  model::Transaction large;
  large.actions.push_back(model::WriteKey{"k", std::string(1 << 20, 'x'), {}, {}});
  const std::string bytes = codec::encode(large);
  for (raft::Index index = 1; index <= 40; ++index)
    EXPECT_TRUE(judged.read({5, index, EntryType::normal, bytes}));
  EXPECT_LT(judged.size(), 9u);
}

// ---- snapshots

class SnapshotContent : public testing::Test {
 protected:
  SnapshotContent() {
    auto unpacked = unpack_snapshot(pack_snapshot(leader_.replica->store(), leader_.replica->members(), {}));
    EXPECT_TRUE(unpacked.ok());
    content_ = std::move(*unpacked);
  }
  TestLeader leader_;
  UnpackedSnapshot content_;
};

TEST_F(SnapshotContent, ThatALeaderPackedIsWhole) { EXPECT_TRUE(is_whole(content_)); }

TEST_F(SnapshotContent, WithoutAClusterIsNone) {
  EXPECT_FALSE(is_whole({}));
  std::erase_if(content_.records,
                [](const auto& one) { return std::holds_alternative<model::Cluster>(one.record); });
  EXPECT_FALSE(is_whole(content_));
}

TEST_F(SnapshotContent, WithAKeyTwiceIsNone) {
  content_.records.push_back(content_.records.back());
  EXPECT_FALSE(is_whole(content_));
}

TEST_F(SnapshotContent, WithATaskThatHasNoTemplateIsNone) {
  model::Task task;
  task.id = TaskId(5);
  task.service_id = ServiceId(6);
  content_.records.push_back({task, {}});
  EXPECT_FALSE(is_whole(content_));
}

// Four bytes of an action take over a kilobyte when they are read.
TEST(JudgedEntries, OneOfMoreActionsThanAnyLeaderProposesIsRefusedUnread) {
  std::string few, many;
  for (int i = 0; i < 16'000; ++i) few += std::string("\x1a\x02\x2a\x00", 4);
  many = few + std::string("\x1a\x02\x2a\x00", 4);
  JudgedEntries judged;
  EXPECT_EQ(codec::count_actions(few), 16'000u);
  EXPECT_TRUE(judged.read({1, 5, raft::EntryType::normal, few}));
  EXPECT_EQ(judged.size(), 0u) << "it takes more memory than is kept";
  EXPECT_FALSE(judged.read({1, 5, raft::EntryType::normal, many}));
}

}  // namespace
}  // namespace swarm::node
