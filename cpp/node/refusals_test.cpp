// Denied frames: a count of each, and at most one line a second.
#include "node/refusals.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/links.hpp"
#include "node/permissions.hpp"
#include "node/test_effects.hpp"
#include "node/test_ports.hpp"

namespace swarm::node {
namespace {

class RefusalsTest : public testing::Test {
 protected:
  void deny(Denial denial, bool closes = false) { refusals_.note(from_, "LeaveRequest", denial, closes); }
  std::vector<std::string> lines() const { return world_.trace.of("warning.denied"); }
  std::uint64_t count(Denial denial) const {
    return world_.core.meters.denied[static_cast<std::size_t>(denial)];
  }

  TestWorld world_;
  Refusals refusals_{world_.core};
  Speaker from_{5, {ClusterId(1), NodeId(7), model::NodeRole::worker, 0}};
};

TEST_F(RefusalsTest, ALineSaysWhoWasRefusedWhatAndWhy) {
  world_.core.links.on_opened({5, from_.who, at(7), true});
  deny(Denial::subject, true);
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines().front(), "LeaveRequest from 127.0.1.7:2377 (worker " + NodeId(7).str() +
                                 ") was refused: it speaks for another node; the link is closed");
  EXPECT_EQ(count(Denial::subject), 1u);
}

TEST_F(RefusalsTest, AMessageThatBreaksARuleIsNamedWithTheRule) {
  refusals_.note(from_, "MsgHeartbeat", Denial::rule, true, "its term is out of bounds");
  EXPECT_EQ(lines().front(),
            "MsgHeartbeat from ? (worker " + NodeId(7).str() +
                ") was refused: it breaks a rule: its term is out of bounds; the link is closed");
  EXPECT_EQ(count(Denial::rule), 1u);
}

TEST_F(RefusalsTest, AFloodIsCountedAndGetsOneLineASecond) {
  for (int i = 0; i < 1'000; ++i) deny(Denial::role);
  EXPECT_EQ(lines().size(), 1u);
  EXPECT_EQ(count(Denial::role), 1'000u);
  world_.core.now = world_.core.now + Duration::seconds(1);
  deny(Denial::role);
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_NE(lines().back().find("(999 more since the last such line)"), std::string::npos);
}

TEST_F(RefusalsTest, APeerThatIsMerelyBehindGetsNoLine) {
  deny(Denial::stale);
  EXPECT_TRUE(world_.trace.lines.empty());
  EXPECT_EQ(count(Denial::stale), 1u);
}

TEST_F(RefusalsTest, AStrangerHasNoNameAndALinkThatIsGoneNoAddress) {
  from_.who = {};
  deny(Denial::stranger);
  EXPECT_EQ(lines().front(), "LeaveRequest from ? was refused: the peer has no certificate");
}

}  // namespace
}  // namespace swarm::node
