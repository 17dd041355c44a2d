// When a leader may mark a node DOWN: what it has heard, and since when it leads.
#include "sim/check/heartbeats.hpp"

#include <gtest/gtest.h>

#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/wire.hpp"
#include "sim/machine_index.hpp"
#include "sim/watch.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPeriod = model::kHeartbeatPeriod;
constexpr MachineIndex kLeader = 0, kAgent = 1;

class HeartbeatChecks : public testing::Test {
 protected:
  // `in` after the leader was elected.
  void says(wire::Message message, Duration in) { checks_.heard(kLeader, kAgent, message, kElected + in); }
  bool is_too_early(Duration in) const {
    return checks_.too_early(kAgent, Proposal{kLeader, 2, kElected + in, kElected, true}).has_value();
  }

  static constexpr Instant kElected{1'000'000'000'000};
  Heartbeats checks_;
};

TEST_F(HeartbeatChecks, ANewLeaderWaitsForTwiceTheGrace) {
  EXPECT_TRUE(is_too_early(kPeriod * 4));
  EXPECT_FALSE(is_too_early(kPeriod * 6));
}

TEST_F(HeartbeatChecks, ANodeThatHeartbeatsIsNotDown) {
  for (const int i : {1, 2, 3}) says(wire::Heartbeat{}, kPeriod * i);
  EXPECT_TRUE(is_too_early(kPeriod * 3 + kPeriod / 2));
  EXPECT_FALSE(is_too_early(kPeriod * 6));
}

TEST_F(HeartbeatChecks, ASessionEndsTheWaitOfANewLeader) {
  says(wire::Register{}, kPeriod);
  EXPECT_TRUE(is_too_early(kPeriod + kPeriod / 2));
  EXPECT_FALSE(is_too_early(kPeriod * 2)) << "its link may have closed at once";
}

TEST_F(HeartbeatChecks, ASessionOfTheLeaderBeforeDoesNot) {
  says(wire::Register{}, kPeriod * -1);
  EXPECT_TRUE(is_too_early(kPeriod * 4));
}

TEST_F(HeartbeatChecks, ANodeThatIsRefusedASessionMayBeDown) {
  says(wire::Heartbeat{}, kPeriod);
  for (const int i : {3, 4}) says(wire::Register{}, kPeriod * i);
  EXPECT_FALSE(is_too_early(kPeriod * 4));
}

}  // namespace
}  // namespace swarm::sim
