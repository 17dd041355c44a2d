#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "raft/coalesce.hpp"
#include "raft/message.hpp"
#include "raft/storage.hpp"
#include "raft/test_peer.hpp"

namespace swarm::raft {
namespace {

// An append to `to` of the entries in (previous, last], all of term 2.
Message append(PeerId to, Index previous, Index last, Index commit = 0) {
  Message message;
  message.type = MessageType::app;
  message.from = 1;
  message.to = to;
  message.term = message.log_term = 2;
  message.index = previous;
  message.commit = commit;
  for (Index index = previous + 1; index <= last; ++index)
    message.entries.push_back({2, index, EntryType::normal, "e" + std::to_string(index)});
  return message;
}

Message acknowledgement(PeerId to, Index index) {
  Message message;
  message.type = MessageType::app_resp;
  message.from = 2;
  message.to = to;
  message.term = 2;
  message.index = index;
  return message;
}

std::vector<Index> indexes(const Message& message) {
  std::vector<Index> out;
  for (const Entry& entry : message.entries) out.push_back(entry.index);
  return out;
}

TEST(Coalesce, AppendsThatFollowOneAnotherBecomeOne) {
  const auto out =
      coalesced({append(2, 4, 5, 3), append(3, 4, 5, 3), append(2, 5, 7, 4), append(3, 5, 6, 4)}, kNoLimit);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].to, 2u);
  EXPECT_EQ(out[0].index, 4u);
  EXPECT_EQ(indexes(out[0]), (std::vector<Index>{5, 6, 7}));
  EXPECT_EQ(out[0].commit, 4u);
  EXPECT_EQ(out[0].entries[2].data, "e7");
  EXPECT_EQ(indexes(out[1]), (std::vector<Index>{5, 6}));
}

TEST(Coalesce, AnAppendThatOnlyCommitsJoinsToo) {
  const auto out = coalesced({append(2, 4, 6, 3), append(2, 6, 6, 5)}, kNoLimit);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].commit, 5u);
}

TEST(Coalesce, WhatDoesNotFollowStaysApart) {
  EXPECT_EQ(coalesced({append(2, 4, 5), append(2, 4, 5)}, kNoLimit).size(), 2u) << "sent again";
  EXPECT_EQ(coalesced({append(2, 4, 5), append(2, 6, 7)}, kNoLimit).size(), 2u) << "a gap";
  Message newer = append(2, 5, 6);
  newer.term = 3;
  EXPECT_EQ(coalesced({append(2, 4, 5), newer}, kNoLimit).size(), 2u) << "another term";
  Message other_log = append(2, 5, 6);
  other_log.log_term = 1;
  EXPECT_EQ(coalesced({append(2, 4, 5), other_log}, kNoLimit).size(), 2u) << "another entry before it";
}

TEST(Coalesce, NothingIsJoinedAcrossAnotherMessageToThatPeer) {
  Message heartbeat = append(2, 0, 0);
  heartbeat.type = MessageType::heartbeat;
  const auto out = coalesced({append(2, 4, 5), heartbeat, append(2, 5, 6)}, kNoLimit);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[1].type, MessageType::heartbeat);
  heartbeat.to = 3;
  EXPECT_EQ(coalesced({append(2, 4, 5), heartbeat, append(2, 5, 6)}, kNoLimit).size(), 2u);
}

TEST(Coalesce, AMessageStaysWithinItsBound) {
  const std::uint64_t one = entries_size(append(2, 4, 5).entries);
  const auto out = coalesced({append(2, 4, 5), append(2, 5, 6), append(2, 6, 7)}, 2 * one);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(indexes(out[0]), (std::vector<Index>{5, 6}));
  EXPECT_EQ(indexes(out[1]), (std::vector<Index>{7}));
}

TEST(Coalesce, AnAcknowledgementOfMoreSpeaksForThatOfLess) {
  const auto out = coalesced({acknowledgement(1, 5), acknowledgement(1, 7)}, kNoLimit);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].index, 7u);
  Message refusal = acknowledgement(1, 9);
  refusal.reject = true;
  EXPECT_EQ(coalesced({acknowledgement(1, 5), refusal, acknowledgement(1, 7)}, kNoLimit).size(), 3u);
}

// The follower cannot tell it from what the leader would have sent for one proposal of three entries.
TEST(Coalesce, AFollowerTakesTheJoinedAppendAsItTakesTheParts) {
  Peer apart(2), at_once(2);
  for (Peer* peer : {&apart, &at_once}) peer->start(2, {2, 2, 2, 2});
  const std::vector<Message> parts{append(2, 4, 5, 4), append(2, 5, 6, 5), append(2, 6, 7, 6)};
  for (const Message& part : parts) ASSERT_TRUE(apart.step(part).ok());
  for (const Message& whole : coalesced(parts, kNoLimit)) ASSERT_TRUE(at_once.step(whole).ok());
  EXPECT_EQ(at_once.raw->last_index(), 7u);
  EXPECT_EQ(at_once.raw->commit(), apart.raw->commit());
  EXPECT_EQ(at_once.applied, apart.applied);
  EXPECT_EQ(at_once.sent.back().index, apart.sent.back().index);
  EXPECT_EQ(at_once.sent.size(), 1u);
}

}  // namespace
}  // namespace swarm::raft
