// Whose state is wrong: what a leader concludes of the answers, and what a follower believes.
#include "node/state_check.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"
#include "model/feature_level.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

using raft::PeerId;
using raft::StateMark;

constexpr model::FeatureLevel kLevel = 1;
constexpr Uint128 kGood = 7, kBad = 9, kOther = 11;

StateMark mark(raft::Index index, Uint128 hash, bool outvoted = false) {
  return {index, hash, kLevel, outvoted};
}

// The leader is member 1 of three; it has named entry 10.
class OfALeader : public testing::Test {
 protected:
  OfALeader() { check_.name(10, kGood); }
  StateCheck::Finding judge() { return check_.judge(group_); }
  bool tells_outvoted(PeerId member) { return check_.to_say(member)->outvoted; }

  StateCheck check_{kLevel};
  StateCheck::Group group_{1, {1, 2, 3}, {}};
};

TEST_F(OfALeader, NamesTheLastEntryAndItsState) {
  check_.name(20, kOther);
  EXPECT_EQ(check_.to_say(2), mark(20, kOther));
}

TEST_F(OfALeader, FindsNothingWhereAllHaveTheSame) {
  check_.on_answer(2, mark(10, kGood));
  check_.on_answer(3, mark(10, kGood));
  EXPECT_EQ(judge(), StateCheck::Finding{});
}

TEST_F(OfALeader, OutvotesOneOfThreeThatDiffersFromTwo) {
  check_.on_answer(2, mark(10, kGood));
  check_.on_answer(3, mark(10, kBad));
  EXPECT_EQ(judge(), (StateCheck::Finding{10, {3}, true, raft::kNone}));
  EXPECT_EQ(check_.to_say(3), mark(10, kGood, true));
  EXPECT_EQ(check_.to_say(2), mark(10, kGood));
}

TEST_F(OfALeader, IsOutvotedItselfWhereTheTwoOthersAgree) {
  check_.on_answer(2, mark(10, kBad));
  check_.on_answer(3, mark(10, kBad));
  EXPECT_EQ(judge(), (StateCheck::Finding{10, {2, 3}, false, 2}));
  EXPECT_FALSE(tells_outvoted(2));
  EXPECT_FALSE(tells_outvoted(3));
}

TEST_F(OfALeader, CallsNobodyWrongWhereNoMajorityAgrees) {
  check_.on_answer(2, mark(10, kBad));
  EXPECT_EQ(judge(), (StateCheck::Finding{10, {2}, false, raft::kNone})) << "member 3 has not answered";
  check_.on_answer(3, mark(10, kOther));
  EXPECT_EQ(judge(), (StateCheck::Finding{10, {2, 3}, false, raft::kNone}));
  for (const PeerId member : {2, 3}) EXPECT_FALSE(tells_outvoted(member));
}

TEST_F(OfALeader, OfTwoManagersNoneIsTheMajority) {
  group_ = {1, {1, 2}, {}};
  check_.on_answer(2, mark(10, kBad));
  EXPECT_EQ(judge(), (StateCheck::Finding{10, {2}, false, raft::kNone}));
}

TEST_F(OfALeader, ALearnerHasNoVoteAndIsOutvotedAll) {
  group_ = {1, {1, 2}, {3}};
  check_.on_answer(3, mark(10, kBad));
  EXPECT_FALSE(judge().leader_is_right) << "one of two voters has said what it has";
  check_.on_answer(2, mark(10, kGood));
  EXPECT_TRUE(judge().leader_is_right);
  EXPECT_TRUE(tells_outvoted(3));
}

TEST_F(OfALeader, OneThatIsNoMemberAnyMoreIsForgotten) {
  check_.on_answer(2, mark(10, kGood));
  check_.on_answer(3, mark(10, kBad));
  EXPECT_EQ(judge().index, 10u);
  group_.voters = {1, 2};
  EXPECT_EQ(judge(), StateCheck::Finding{});
  EXPECT_FALSE(tells_outvoted(3));
}

TEST_F(OfALeader, AnAnswerOfAnEntryThatItDidNotNameOrOfAnotherLevelSaysNothing) {
  check_.on_answer(2, mark(9, kBad));
  check_.on_answer(3, {10, kBad, kLevel + 1, false});
  EXPECT_EQ(judge(), StateCheck::Finding{});
}

// A member that is far behind answers late; all others have answered later entries by then.
TEST_F(OfALeader, ALaterEntryAtWhichAllAgreeSaysThatTheDifferenceIsGone) {
  check_.on_answer(2, mark(10, kGood));
  check_.on_answer(3, mark(10, kBad));
  check_.name(20, kGood);
  EXPECT_EQ(judge().index, 10u) << "nothing is known of the later one";
  check_.on_answer(2, mark(20, kGood));
  check_.on_answer(3, mark(20, kGood));
  EXPECT_EQ(judge(), StateCheck::Finding{});
}

TEST_F(OfALeader, KeepsTheLastEntriesOnly) {
  for (raft::Index index = 11; index < 40; ++index) check_.name(index, kGood);
  check_.on_answer(3, mark(12, kBad));
  EXPECT_EQ(judge(), StateCheck::Finding{});
  check_.on_answer(3, mark(30, kBad));
  EXPECT_EQ(judge().index, 30u);
}

// ---- a follower

TEST(OfAFollower, ComparesAtTheEntryThatTheLeaderNamed) {
  StateCheck check(kLevel);
  check.on_leader(mark(10, kGood), 8);
  EXPECT_TRUE(check.wants(10));
  EXPECT_FALSE(check.wants(9));
  EXPECT_FALSE(check.answer());
  check.note(10, kGood);
  EXPECT_FALSE(check.wants(10));
  EXPECT_EQ(check.answer(), mark(10, kGood));
  EXPECT_EQ(check.differs_at(), 0u);
}

TEST(OfAFollower, KnowsThatItDiffersAndTakesItselfOutOnlyWhenAMajoritySaysSo) {
  StateCheck check(kLevel);
  check.on_leader(mark(10, kGood), 9);
  check.note(10, kBad);
  EXPECT_EQ(check.differs_at(), 10u);
  EXPECT_EQ(check.outvoted_at(), 0u);
  check.on_leader(mark(10, kGood, true), 12);
  EXPECT_EQ(check.outvoted_at(), 10u);
}

TEST(OfAFollower, BelievesNoVerdictOnAStateThatItDidNotHave) {
  StateCheck check(kLevel);
  check.note(10, kGood);
  check.on_leader(mark(10, kGood, true), 10);
  check.on_leader(mark(9, kBad, true), 10);
  check.on_leader({10, kBad, kLevel + 1, true}, 10);
  EXPECT_EQ(check.outvoted_at(), 0u);
  EXPECT_EQ(check.differs_at(), 0u);
}

TEST(OfAFollower, AgreesAgainAtALaterEntry) {
  StateCheck check(kLevel);
  check.note(10, kBad);
  check.on_leader(mark(10, kGood), 10);
  check.note(9, kGood);
  check.on_leader(mark(9, kGood), 10);
  EXPECT_EQ(check.differs_at(), 10u) << "an older entry says nothing of what came after";
  check.note(20, kGood);
  check.on_leader(mark(20, kGood), 20);
  EXPECT_EQ(check.differs_at(), 0u);
}

// The leader names the next entry each second: the one that it comes to first must not go.
TEST(OfAFollower, OneThatIsFarBehindKeepsTheFirstEntriesThatWereNamed) {
  StateCheck check(kLevel);
  for (raft::Index index = 100; index < 200; ++index) check.on_leader(mark(index, kGood), 50);
  EXPECT_TRUE(check.wants(100));
  EXPECT_FALSE(check.wants(199));
  check.note(100, kGood);
  check.on_leader(mark(199, kGood), 100);
  EXPECT_TRUE(check.wants(199));
}

TEST(OfAFollower, BeginsAnewWithASnapshot) {
  StateCheck check(kLevel);
  check.note(10, kBad);
  check.on_leader(mark(10, kGood, true), 10);
  check.begin_anew();
  EXPECT_EQ(check.outvoted_at(), 0u);
  EXPECT_FALSE(check.answer());
}

}  // namespace
}  // namespace swarm::node
