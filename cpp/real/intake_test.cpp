// Rounds: each link has its share, and no flood of one delays another.
#include "real/intake.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <vector>

#include "ports/transport.hpp"

namespace swarm::real {
namespace {

class IntakeTest : public testing::Test {
 protected:
  struct Link {
    PeerKind kind = PeerKind::worker;
    Intake::Used used;
    std::size_t frames = 0;  // that it has to pass on
    std::size_t passed = 0;
  };
  // What a transport does with a link that is ready.
  void read(ports::LinkId id) {
    Link& link = links_[id];
    for (; link.frames > 0; --link.frames, ++link.passed) {
      if (!intake_.may_pass(link.kind, link.used)) return intake_.wait(link.kind, id, link.used);
      intake_.passed(link.kind, link.used, bytes_);
    }
  }
  void next_round() {
    order_.clear();
    intake_.next_round([this](ports::LinkId id) {
      order_.push_back(id);
      links_[id].used.waits = false;
      read(id);
    });
  }
  void flood(ports::LinkId id, PeerKind kind, std::size_t frames = 1'000'000) {
    links_[id].kind = kind;
    links_[id].frames = frames;
    read(id);
  }
  static const Intake::Share& share(PeerKind kind) { return Intake::kShares[static_cast<std::size_t>(kind)]; }

  Intake intake_;
  std::map<ports::LinkId, Link> links_;
  std::vector<ports::LinkId> order_;
  std::size_t bytes_ = 10;
};

TEST_F(IntakeTest, ALinkPassesItsShareInEachRoundAndNoMore) {
  flood(1, PeerKind::worker);
  EXPECT_EQ(links_[1].passed, share(PeerKind::worker).frames);
  read(1);  // its descriptor is ready again
  EXPECT_EQ(links_[1].passed, share(PeerKind::worker).frames);
  EXPECT_TRUE(intake_.any_waits());
  next_round();
  EXPECT_EQ(links_[1].passed, 2 * share(PeerKind::worker).frames);
}

TEST_F(IntakeTest, LargeFramesCountByTheirBytes) {
  bytes_ = share(PeerKind::worker).bytes / 2;
  flood(1, PeerKind::worker);
  EXPECT_EQ(links_[1].passed, 2u);
  next_round();
  EXPECT_EQ(links_[1].passed, 4u);
}

TEST_F(IntakeTest, AFrameLargerThanTheShareStillGoes) {
  bytes_ = 64UL << 20;
  flood(1, PeerKind::manager, 2);
  EXPECT_EQ(links_[1].passed, 1u);
  next_round();
  EXPECT_EQ(links_[1].passed, 2u);
  EXPECT_FALSE(intake_.any_waits());
}

TEST_F(IntakeTest, ManagersGoFirstAndAreNotHeldUpByTheOthers) {
  for (ports::LinkId id = 1; id <= 100; ++id) flood(id, PeerKind::stranger);
  for (ports::LinkId id = 201; id <= 300; ++id) flood(id, PeerKind::worker);
  flood(400, PeerKind::manager);
  EXPECT_EQ(links_[400].passed, share(PeerKind::manager).frames);
  next_round();
  EXPECT_EQ(order_.front(), 400u);
  EXPECT_EQ(links_[400].passed, 2 * share(PeerKind::manager).frames);
}

TEST_F(IntakeTest, AllStrangersTogetherPassFewFramesInARoundAndEachHasItsTurn) {
  for (ports::LinkId id = 1; id <= 100; ++id) flood(id, PeerKind::stranger);
  const auto passed = [this] {
    std::size_t sum = 0;
    for (const auto& [id, link] : links_) sum += link.passed;
    return sum;
  };
  EXPECT_EQ(passed(), share(PeerKind::stranger).frames_of_all);
  for (std::size_t round = 2; round <= 50; ++round) {
    next_round();
    EXPECT_EQ(passed(), round * share(PeerKind::stranger).frames_of_all);
  }
  for (const auto& [id, link] : links_) EXPECT_GE(link.passed, share(PeerKind::stranger).frames) << id;
}

TEST_F(IntakeTest, AQuietLinkGoesOnBesideAFlood) {
  flood(1, PeerKind::worker);
  flood(2, PeerKind::worker, 1);
  EXPECT_EQ(links_[2].passed, 1u);
}

}  // namespace
}  // namespace swarm::real
