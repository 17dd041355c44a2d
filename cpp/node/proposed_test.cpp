#include "node/proposed.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "model/transaction.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

model::Transaction numbered(std::uint64_t request) {
  model::Transaction transaction;
  transaction.request = request;
  return transaction;
}

std::uint64_t taken(Proposed& proposed, raft::Term term, raft::Index index) {
  const auto found = proposed.take(term, index);
  return found ? found->request : 0;
}

TEST(Proposed, AnEntryOfThisTermAndIndexIsTheTransactionThatWasProposedThere) {
  Proposed proposed;
  proposed.add(3, 10, numbered(100));
  proposed.add(3, 11, numbered(101));
  EXPECT_EQ(taken(proposed, 3, 10), 100u);
  EXPECT_EQ(taken(proposed, 3, 11), 101u);
  EXPECT_EQ(taken(proposed, 3, 11), 0u) << "applied once";
}

TEST(Proposed, AnotherLeadersEntryInItsPlaceIsNotIt) {
  Proposed proposed;
  proposed.add(3, 10, numbered(100));
  EXPECT_EQ(taken(proposed, 4, 10), 0u);
  EXPECT_EQ(taken(proposed, 3, 10), 0u) << "the log has lost it";
}

TEST(Proposed, EntriesThatNobodyHereProposedAreSteppedOver) {
  Proposed proposed;
  proposed.add(3, 10, numbered(100));
  proposed.add(3, 13, numbered(103));  // between them: a membership change, and an entry of nothing
  EXPECT_EQ(taken(proposed, 2, 9), 0u);
  EXPECT_EQ(taken(proposed, 3, 12), 0u);
  EXPECT_EQ(taken(proposed, 3, 13), 103u);
  EXPECT_EQ(proposed.size(), 0u) << "what was passed is forgotten";
}

// It led in term 3, lost entries 10 to 12 to the leader of term 4, and leads again in term 5.
TEST(Proposed, WhatALaterTermWritesOverIsForgotten) {
  Proposed proposed;
  for (raft::Index index = 10; index <= 12; ++index) proposed.add(3, index, numbered(index));
  proposed.add(5, 11, numbered(511));
  EXPECT_EQ(proposed.size(), 2u);
  EXPECT_EQ(taken(proposed, 4, 10), 0u);
  EXPECT_EQ(taken(proposed, 5, 11), 511u);
  EXPECT_EQ(taken(proposed, 5, 12), 0u);
}

}  // namespace
}  // namespace swarm::node
