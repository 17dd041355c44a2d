// A second Raft group of the same swarm: frames of its leader, and what it says, in; what is known of it out.
#include "node/other_group.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/wire.hpp"
#include "node/permissions.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

const NodeId kOther{7};

class OtherGroupTest : public testing::Test {
 protected:
  // The other leader sends its heartbeats for so long; how often it was time to tell it.
  int hear_for(Duration time) {
    int tells = 0;
    for (const Instant end = now_ + time; now_ < end; now_ = now_ + Duration::millis(100))
      tells += group_.on_leader(kOther, now_) ? 1 : 0;
    return tells;
  }
  OtherGroup group_;
  Instant now_{1'000'000'000};
};

TEST_F(OtherGroupTest, OnlyWhatALeaderSendsCounts) {
  raft::Message message;
  message.type = raft::MessageType::heartbeat;
  EXPECT_TRUE(is_of_other_leader(message, Denial::stale));
  EXPECT_TRUE(is_of_other_leader(message, Denial::unknown_manager));
  EXPECT_FALSE(is_of_other_leader(message, Denial::role));
  message.type = raft::MessageType::pre_vote;
  EXPECT_FALSE(is_of_other_leader(message, Denial::stale))
      << "a member that was taken out asks for votes, too";
  EXPECT_FALSE(is_of_other_leader(wire::Message(wire::Heartbeat{1}), Denial::stale));
}

TEST_F(OtherGroupTest, ALeaderThatWasTakenOutAMomentAgoIsNoOtherGroup) {
  EXPECT_EQ(hear_for(Duration::millis(2'900)), 0);
  EXPECT_TRUE(group_.present(now_).empty());
  now_ = now_ + Duration::seconds(10);
  EXPECT_EQ(hear_for(Duration::millis(2'900)), 0) << "a new contact begins anew";
}

TEST_F(OtherGroupTest, ALeaderThatGoesOnIsToldOnceASecondAndItsUserOnce) {
  EXPECT_EQ(hear_for(Duration::seconds(6)), 3);
  EXPECT_EQ(group_.present(now_), kOther);
  EXPECT_TRUE(group_.take_news(kOther));
  EXPECT_FALSE(group_.take_news(kOther));
}

TEST_F(OtherGroupTest, TheOtherSideIsBelievedAtOnce) {
  EXPECT_TRUE(group_.on_told(kOther, now_));
  EXPECT_FALSE(group_.on_told(kOther, now_)) << "said already";
  EXPECT_EQ(group_.present(now_), kOther);
}

TEST_F(OtherGroupTest, ItIsForgottenWhenItIsSilent) {
  group_.on_told(kOther, now_);
  EXPECT_TRUE(group_.present(now_ + Duration::seconds(31)).empty());
  EXPECT_TRUE(group_.on_told(kOther, now_ + Duration::seconds(31))) << "and told again when it is back";
}

}  // namespace
}  // namespace swarm::node
