// The story of Raft: made of the differences between two states, bounded, in order.
#include "node/raft_story.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "docker/inside.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

std::vector<std::string> actions(const RaftFacts& before, const RaftFacts& now) {
  std::vector<std::string> out;
  for (const auto& event : RaftStory::between(before, now, 1))
    out.push_back(event.action + (event.other != 0 ? " " + std::to_string(event.other) : ""));
  return out;
}

using Words = std::vector<std::string>;
using raft::Role;

TEST(RaftStory, TellsAnElection) {
  const RaftFacts calm{4, Role::follower, 2, 2};
  const RaftFacts asks{4, Role::pre_candidate, 0, 2};
  const RaftFacts stands{5, Role::candidate, 0, 1};
  const RaftFacts leads{5, Role::leader, 1, 1};
  EXPECT_EQ(actions(calm, asks), (Words{"leader-lost 2", "pre-candidate"}));
  EXPECT_EQ(actions(asks, stands), (Words{"candidate", "voted 1"}));
  EXPECT_EQ(actions(stands, leads), (Words{"leader"}));
  EXPECT_EQ(actions(leads, {6, Role::follower, 0, 3}), (Words{"follower", "voted 3"}));
}

TEST(RaftStory, TellsOfAnotherElectionOfTheSameCandidate) {
  EXPECT_EQ(actions({5, Role::candidate, 0, 1}, {6, Role::candidate, 0, 1}), (Words{"candidate", "voted 1"}));
}

TEST(RaftStory, TellsAVoteOncePerTerm) {
  EXPECT_EQ(actions({5, Role::follower, 0, 2}, {5, Role::follower, 2, 2}), (Words{"follows 2"}));
  EXPECT_EQ(actions({5, Role::follower, 2, 2}, {6, Role::follower, 2, 2}), (Words{"voted 2", "follows 2"}));
}

TEST(RaftStory, ForgetsTheOldestAndSaysSo) {
  RaftStory story({9});
  for (std::size_t i = 0; i < RaftStory::kMost + 5; ++i) story.tell({});
  const docker::RaftPast all = story.after(0);
  EXPECT_EQ(all.events.size(), RaftStory::kMost);
  EXPECT_EQ(all.forgotten, 5U);
  EXPECT_EQ(all.events.front().number, 6U);
  EXPECT_EQ(all.last, RaftStory::kMost + 5);
  EXPECT_EQ(story.after(all.last - 1).events.size(), 1U);
  EXPECT_EQ(RaftStory({9}).after(0).forgotten, 0U);
}

}  // namespace
}  // namespace swarm::node
