#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ca/join_guard.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"

namespace swarm::ca {
namespace {

constexpr WallTime kNow{1'800'000'000'123'456'789};

constexpr Duration kLife = Duration::seconds(90LL * 24 * 3600);

class Judge : public testing::Test {
 protected:
  Judge() { good.issuer = "root"; }
  std::optional<Distrust> of(const std::optional<model::Certificate>& peer,
                             Expected expected = Expected::member) const {
    return judge(peer, expected, trust, kNow);
  }
  model::Certificate good = to_issue(NodeId(7), model::NodeRole::worker, ClusterId(5), kLife, kNow);
  Trust trust{{"old root", "root"}, ClusterId(5)};
};

TEST_F(Judge, BelievesANodeOfTheSwarmByAnyRootThatItKnows) {
  EXPECT_EQ(of(good), std::nullopt);
  good.issuer = "old root";
  EXPECT_EQ(of(good), std::nullopt);
  good.issuer = "a root that I made myself";
  EXPECT_EQ(of(good), Distrust::another_root);
}

TEST_F(Judge, AStrangerIsServedOnlyWhereStrangersAre) {
  EXPECT_EQ(of(std::nullopt, Expected::anyone), std::nullopt);
  EXPECT_EQ(of(std::nullopt, Expected::member), Distrust::not_shown);
  EXPECT_EQ(of(std::nullopt, Expected::manager), Distrust::not_shown);
}

TEST_F(Judge, ABadCertificateIsWorseThanNone) {
  good.cluster = ClusterId(6);
  EXPECT_EQ(of(good, Expected::anyone), Distrust::another_swarm);
}

TEST_F(Judge, AWorkerIsNoManager) {
  EXPECT_EQ(of(good, Expected::manager), Distrust::no_manager);
  good.role = model::NodeRole::manager;
  EXPECT_EQ(of(good, Expected::manager), std::nullopt);
}

TEST_F(Judge, ACertificateIsValidFromItsFirstMomentUntilItsLast) {
  model::Certificate brief = good;
  brief.not_before = kNow;
  brief.not_after = kNow + Duration{1};
  EXPECT_EQ(of(brief), std::nullopt);
  EXPECT_EQ(judge(brief, Expected::member, trust, brief.not_after), Distrust::expired);
  EXPECT_EQ(judge(brief, Expected::member, trust, kNow + Duration{-1}), Distrust::not_yet);
}

TEST_F(Judge, WhatAnotherRootCrossSignedIsBelievedByNodesOfThatRoot) {
  good.issuer = "the next root";
  EXPECT_EQ(of(good), Distrust::another_root);
  good.cross_signed_by = "root";
  EXPECT_EQ(of(good), std::nullopt);
  good.cross_signed_by = "a third one";
  EXPECT_EQ(of(good), Distrust::another_root);
  good.issuer = good.cross_signed_by = "";
  trust.roots = {""};
  EXPECT_EQ(of(good), Distrust::another_root) << "no name is no root";
}

// Where strangers are served, it is let in to renew it; it has proved its key as before.
TEST_F(Judge, AnExpiredCertificateIsServedForSevenDaysWhereStrangersAre) {
  const auto at = [&](WallTime now, Expected expected) { return judge(good, expected, trust, now); };
  const WallTime last = good.not_after + kRenewalGrace + Duration{-1};
  EXPECT_EQ(at(good.not_after, Expected::anyone), std::nullopt);
  EXPECT_EQ(at(last, Expected::anyone), std::nullopt);
  EXPECT_EQ(at(last + Duration{1}, Expected::anyone), Distrust::expired);
  EXPECT_EQ(at(good.not_after, Expected::member), Distrust::expired);
  EXPECT_EQ(at(good.not_after, Expected::manager), Distrust::expired);
}

TEST_F(Judge, ANodeOnItsWayInBelievesItsRootOfWhicheverSwarm) {
  trust.cluster = {};
  EXPECT_EQ(of(good), std::nullopt);
  EXPECT_EQ(expected_of(true, trust), Expected::manager);
  EXPECT_EQ(expected_of(false, trust), Expected::anyone);
  EXPECT_EQ(expected_of(true, {}), Expected::anyone) << "it looks for the root";
}

TEST(Issue, SaysWhoTheNodeIsInWholeSeconds) {
  const auto says =
      to_issue(NodeId(7), model::NodeRole::manager, ClusterId(5), Duration::seconds(7200), kNow);
  EXPECT_EQ(says.node, NodeId(7));
  EXPECT_EQ(says.cluster, ClusterId(5));
  EXPECT_EQ(says.role, model::NodeRole::manager);
  EXPECT_EQ(says.not_before.ns, 1'799'996'400'000'000'000);
  EXPECT_EQ(says.not_after.ns, 1'800'007'200'000'000'000);
}

TEST(Issue, NoCertificateLivesLessThanAnHour) {
  const auto says = to_issue(NodeId(7), model::NodeRole::worker, ClusterId(5), Duration::seconds(1), kNow);
  EXPECT_EQ(says.not_after.ns, 1'800'003'600'000'000'000);
}

TEST(Issue, ANodeThatIsToBecomeAManagerGetsAManagersCertificate) {
  model::Node node;
  EXPECT_EQ(role_of(node), model::NodeRole::worker);
  node.spec.desired_role = model::NodeRole::manager;
  EXPECT_EQ(role_of(node), model::NodeRole::manager);
  node.spec.desired_role = model::NodeRole::worker;
  node.role = model::NodeRole::manager;
  EXPECT_EQ(role_of(node), model::NodeRole::manager) << "it is one until it is out of the group";
}

// Seed 8801: a manager that was behind refused a leader that was a manager again, for ever.
TEST(Issue, ACertificateIsNoOlderThanTheLogWhereItIsValidAtOnce) {
  const WallTime now{1'800'000'000'000'000'000};
  EXPECT_EQ(made_at(now, now + Duration::seconds(-5)), now);
  const WallTime ahead = now + Duration::seconds(36);
  EXPECT_EQ(made_at(now, ahead), ahead);
  EXPECT_LE(to_issue(NodeId(1), model::NodeRole::manager, ClusterId(1), kLeastExpiry, ahead).not_before, now);
  EXPECT_EQ(made_at(now, now + Duration::seconds(24LL * 3600)), now) << "it would not be valid for a day";
}

TEST(Renewal, IsDrawnFromTheMiddleOfALife) {
  model::Certificate certificate;
  certificate.not_after = WallTime{} + Duration::seconds(1'000);
  Rng rng(1);
  WallTime least{certificate.not_after}, most{};
  for (int i = 0; i < 1'000; ++i) {
    const WallTime at = renewal_time(certificate, rng);
    least = std::min(least, at);
    most = std::max(most, at);
  }
  EXPECT_EQ(least.ns, Duration::seconds(500).ns);
  EXPECT_EQ(most.ns, Duration::seconds(800).ns);
}

TEST(JoinGuard, GivesAnAddressAFewTriesAndThenOneASecond) {
  JoinGuard guard;
  const Instant now{1'000'000'000'000};
  for (int i = 0; i < JoinGuard::kTriesOfOne; ++i) {
    ASSERT_TRUE(guard.may_try("10.0.0.1", now)) << i;
    guard.failed("10.0.0.1", now);
  }
  EXPECT_FALSE(guard.may_try("10.0.0.1", now));
  EXPECT_TRUE(guard.may_try("10.0.0.2", now)) << "another one has done no wrong";
  const Instant later = now + Duration::millis(1'000);
  ASSERT_TRUE(guard.may_try("10.0.0.1", later));
  guard.failed("10.0.0.1", later);
  EXPECT_FALSE(guard.may_try("10.0.0.1", later + Duration::millis(999)));
  EXPECT_TRUE(guard.may_try("10.0.0.1", later + Duration::millis(1'000)));
}

TEST(JoinGuard, APartOfASecondCountsForTheNextTry) {
  JoinGuard guard;
  const Instant now{1'000'000'000'000};
  for (int i = 0; i < JoinGuard::kTriesOfOne; ++i) guard.failed("10.0.0.1", now);
  const Instant later = now + Duration::millis(1'900);
  ASSERT_TRUE(guard.may_try("10.0.0.1", later));
  guard.failed("10.0.0.1", later);
  EXPECT_FALSE(guard.may_try("10.0.0.1", later + Duration::millis(99)));
  EXPECT_TRUE(guard.may_try("10.0.0.1", later + Duration::millis(100))) << "two seconds, two tries";
}

TEST(JoinGuard, ManyAddressesTogetherHaveABoundAndAreForgotten) {
  JoinGuard guard;
  Instant now{1'000'000'000'000};
  for (int i = 0; i < JoinGuard::kTriesOfAll; ++i) guard.failed("10.0.0." + std::to_string(i), now);
  EXPECT_FALSE(guard.may_try("10.9.9.9", now));
  now = now + Duration::seconds(1);
  EXPECT_TRUE(guard.may_try("10.9.9.9", now));
  for (std::size_t i = 0; i < 2 * JoinGuard::kMostAddresses; ++i) {
    now = now + Duration::seconds(1);
    guard.failed("host " + std::to_string(i), now);
  }
  EXPECT_TRUE(guard.may_try("host 0", now));
}

}  // namespace
}  // namespace swarm::ca
