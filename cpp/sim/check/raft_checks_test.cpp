// RaftRecord: it finds what Raft forbids, and is silent where Raft allows what looks odd.
#include "sim/check/raft_checks.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "node/replica_recovery.hpp"
#include "raft/message.hpp"
#include "raft/test_peer.hpp"

namespace swarm::sim {
namespace {

using raft::Entry;
using raft::Peer;

Entry entry(raft::Term term, raft::Index index) {
  Entry made;
  made.term = term;
  made.index = index;
  made.data = "x";
  return made;
}

// Leads in term 3 with a log of two entries of earlier terms, and one of its own.
Peer leader_of_term_three() {
  Peer peer(2);
  peer.start(2, {1, 2}).lead();
  return peer;
}

std::optional<std::string> check_leader(RaftRecord& record, Peer& peer) {
  ManagerSeen seen;
  seen.id = 2;
  return record.check(*peer.raw, peer.storage, seen);
}

class RaftRecordTest : public testing::Test {
 protected:
  void commit(raft::Term term_of_entry, raft::Index index, raft::Term seen_in) {
    ASSERT_EQ(record.check(entry(term_of_entry, index), seen_in), std::nullopt);
  }
  RaftRecord record;
  Peer peer = leader_of_term_three();
};

TEST_F(RaftRecordTest, FindsALeaderThatLacksWhatAnEarlierTermCommitted) {
  ASSERT_EQ(peer.raw->term(), 3U);
  for (raft::Index index = 1; index <= 9; ++index) commit(index < 3 ? index : 2, index, 2);
  const auto broken = check_leader(record, peer);
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("the leader of term 3 lacks committed entries: it has 3 of 9"), std::string::npos)
      << *broken;
}

// A candidate of term 3 stands still with its votes in its inbox; term 4 elects and commits meanwhile.
TEST_F(RaftRecordTest, AllowsALeaderOfAPastTermToLackWhatALaterTermCommitted) {
  commit(1, 1, 2);
  commit(2, 2, 2);
  for (raft::Index index = 3; index <= 9; ++index) commit(4, index, 4);
  EXPECT_EQ(check_leader(record, peer), std::nullopt);
}

TEST_F(RaftRecordTest, AllowsItForEntriesOfAnEarlierTermThatALaterTermCommitted) {
  commit(1, 1, 2);
  for (raft::Index index = 2; index <= 9; ++index) commit(2, index, 4);
  EXPECT_EQ(check_leader(record, peer), std::nullopt);
}

// What a term commits itself comes after its election.
TEST_F(RaftRecordTest, AllowsALeaderToLackAtItsElectionWhatItsOwnTermCommitted) {
  commit(1, 1, 2);
  commit(2, 2, 2);
  for (raft::Index index = 3; index <= 9; ++index) commit(3, index, 3);
  EXPECT_EQ(check_leader(record, peer), std::nullopt);
}

TEST_F(RaftRecordTest, FindsTwoLeadersOfATerm) {
  EXPECT_EQ(check_leader(record, peer), std::nullopt);
  ManagerSeen other;
  other.id = 3;
  const auto broken = record.check(*peer.raw, peer.storage, other);
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("two leaders in term 3"), std::string::npos) << *broken;
}

TEST_F(RaftRecordTest, FindsTwoEntriesAtOneIndex) {
  commit(1, 1, 2);
  const auto broken = record.check(entry(2, 1), 2);
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("two committed entries at index 1"), std::string::npos) << *broken;
  EXPECT_EQ(broken->find("force-new-cluster"), std::string::npos) << *broken;
}

TEST(RaftRecord, ASplitThatForceNewClusterMadeIsNoFaultOfRaft) {
  RaftRecord record;
  EXPECT_FALSE(record.check({3, 1, raft::EntryType::normal, "a"}, 3));
  const raft::Term forced = 3 + node::kForcedLeap;
  const auto broken = record.check({forced, 1, raft::EntryType::normal, "b"}, forced);
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("outside of what Raft assumes: force-new-cluster"), std::string::npos) << *broken;
}

}  // namespace
}  // namespace swarm::sim
