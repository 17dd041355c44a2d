// How often a peer may ask.
#include "node/pace.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/links.hpp"
#include "node/permissions.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

class PaceTest : public testing::Test {
 protected:
  static Speaker stranger(ports::LinkId link) { return {link, {}}; }
  static Speaker worker(ports::LinkId link, std::uint64_t node) {
    return {link, {ClusterId(1), NodeId(node), model::NodeRole::worker, 0}};
  }
  int asked(const Speaker& from, int times) {
    int taken = 0;
    for (int i = 0; i < times; ++i) taken += pace_.may_ask(from, now_) ? 1 : 0;
    return taken;
  }
  int strayed(const Speaker& from, int times) {
    int taken = 0;
    for (int i = 0; i < times; ++i) taken += pace_.may_stray(from, now_) ? 1 : 0;
    return taken;
  }

  Pace pace_;
  Instant now_{1'000'000'000};
};

TEST_F(PaceTest, AStrangerHasAFewRequestsAtOnceAndAFewASecond) {
  EXPECT_EQ(asked(stranger(1), 100), Pace::kOfStranger.at_once);
  now_ = now_ + Duration::seconds(1);
  EXPECT_EQ(asked(stranger(1), 100), Pace::kOfStranger.per_second);
  now_ = now_ + Duration::seconds(60);
  EXPECT_EQ(asked(stranger(1), 100), Pace::kOfStranger.at_once) << "rest earns no more than that";
}

TEST_F(PaceTest, OneStrangerTakesNothingFromAnother) {
  asked(stranger(1), 100);
  EXPECT_EQ(asked(stranger(2), 1), 1);
}

TEST_F(PaceTest, ANodeIsCountedByItsNameWhateverLinksItOpens) {
  EXPECT_EQ(asked(worker(1, 7), 100), Pace::kOfNode.at_once);
  pace_.forget(1);
  EXPECT_EQ(asked(worker(2, 7), 100), 0);
  EXPECT_EQ(asked(worker(3, 8), 100), Pace::kOfNode.at_once);
}

// Half a second between two of them (kResend), for as long as it likes.
TEST_F(PaceTest, AnHonestNodeThatAsksAgainAndAgainIsHeard) {
  for (int i = 0; i < 1'000; ++i, now_ = now_ + Duration::millis(500)) {
    ASSERT_EQ(asked(stranger(1), 1), 1);
    ASSERT_EQ(asked(worker(2, 7), 1), 1);
  }
}

TEST_F(PaceTest, FramesOfNoSessionCountApartFromRequests) {
  EXPECT_EQ(strayed(worker(1, 7), 1'000), Pace::kOfStrays.at_once);
  EXPECT_EQ(asked(worker(1, 7), 1), 1);
}

// A clock that was set back for a moment (the fault desk does that) must not silence a peer for hours.
TEST_F(PaceTest, AClockThatGoesBackCostsNoPeerMoreThanItsOwnRequests) {
  now_ = now_ + Duration::seconds(3'600);
  asked(stranger(1), 100);
  now_ = Instant{1'000'000'000};
  EXPECT_EQ(asked(stranger(1), 1), 0);
  now_ = now_ + Duration::seconds(2);
  EXPECT_EQ(asked(stranger(1), 100), Pace::kOfStranger.at_once);
}

TEST_F(PaceTest, ItForgetsLinksThatAreGoneAndPeersAtRest) {
  asked(stranger(1), 1);
  pace_.forget(1);
  EXPECT_EQ(pace_.size(), 0u);
  for (std::uint64_t node = 1; node <= 2 * Pace::kMostAtRest; ++node) {
    asked(worker(1, node), 1);
    now_ = now_ + Duration::seconds(1);
  }
  EXPECT_LE(pace_.size(), Pace::kMostAtRest);
}

TEST(PaceOfMessages, CountsRequestsAndNotWhatAgentsAndManagersSayAllTheTime) {
  EXPECT_TRUE(Pace::counts(permission(wire::Message(wire::RootRequest{}))));
  EXPECT_TRUE(Pace::counts(permission(wire::Message(wire::JoinRequest{}))));
  EXPECT_TRUE(Pace::counts(permission(wire::Message(wire::CertificateRequest{}))));
  EXPECT_TRUE(Pace::counts(permission(wire::Message(wire::LeaveRequest{}))));
  EXPECT_FALSE(Pace::counts(permission(wire::Message(wire::RootReply{}))));
  EXPECT_FALSE(Pace::counts(permission(wire::Message(wire::Heartbeat{}))));
  EXPECT_FALSE(Pace::counts(permission(wire::Message(wire::LogChunk{}))));
  EXPECT_FALSE(Pace::counts(permission(ports::Frame(raft::Message{}))));
}

}  // namespace
}  // namespace swarm::node
