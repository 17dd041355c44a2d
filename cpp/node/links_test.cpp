// Links to other nodes: events of the transport and time in; what is dialled, sent and closed out.
#include "node/links.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/test_effects.hpp"
#include "node/test_ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

class LinksTest : public testing::Test {
 protected:
  ports::LinkId dial(std::uint8_t host = 9) { return links_.to(at(host), now_); }
  void opened(ports::LinkId link, bool inbound = false) {
    links_.on_opened({link, {ClusterId(1), NodeId(9), model::NodeRole::manager, 9}, at(9), inbound});
  }

  TestTransport transport_;
  Links links_{transport_, Rng(5)};
  Instant now_{1'000'000'000};
};

TEST_F(LinksTest, AnAddressIsDialledOnce) {
  const ports::LinkId link = dial();
  EXPECT_NE(link, 0u);
  EXPECT_EQ(dial(), link);
  EXPECT_NE(dial(8), link);
  EXPECT_EQ(transport_.dialled, (std::vector<Address>{at(9), at(8)}));
}

TEST_F(LinksTest, TheNextLinkOpensWithThePresentName) {
  links_.set_hello({wire::kProtocolVersion, 2});
  dial();
  EXPECT_EQ(transport_.hellos.front().raft_id, 2U);
  EXPECT_EQ(transport_.identity.raft_id, 2U) << "on links that others open, too";
}

TEST_F(LinksTest, APeerIsKnownWhenItsLinkIsOpen) {
  const ports::LinkId link = dial();
  EXPECT_EQ(links_.peer(link), nullptr);
  EXPECT_FALSE(links_.is_open_to(at(9)));
  opened(link);
  ASSERT_NE(links_.peer(link), nullptr);
  EXPECT_EQ(links_.peer(link)->node, NodeId(9));
  EXPECT_TRUE(links_.is_outbound(link));
  EXPECT_TRUE(links_.is_open_to(at(9)));
  opened(7, true);
  EXPECT_FALSE(links_.is_outbound(7));
  EXPECT_EQ(links_.open_count(), 2u);
}

TEST_F(LinksTest, ADialThatFailsIsTriedAgainLaterAndLater) {
  ports::LinkId link = dial();
  for (int i = 0; i < 8; ++i) {
    const auto gone = links_.on_closed(link, now_);
    ASSERT_TRUE(gone);
    EXPECT_FALSE(gone->was_open);
    EXPECT_EQ(gone->outbound, at(9));
    int waited = 0;
    for (; (link = dial()) == 0; ++waited) now_ = now_ + Duration::millis(1);
    const int full = 50 << std::min(i, 5);
    EXPECT_GE(waited, full / 2) << "after " << i + 1 << " failures";
    EXPECT_LE(waited, full + 1) << "after " << i + 1 << " failures";
  }
}

TEST_F(LinksTest, APeerThatComesIsDialledAtOnce) {
  links_.on_closed(dial(), now_);
  EXPECT_EQ(dial(), 0u);
  EXPECT_FALSE(links_.send_to(at(9), wire::Message(wire::ApiCancel{1}), now_));
  opened(7, true);
  EXPECT_NE(dial(), 0u);
}

TEST_F(LinksTest, ALinkThatOpenedBeginsItsBackOffAnew) {
  for (int i = 0; i < 6; ++i) links_.on_closed(dial(), now_), now_ = now_ + Duration::seconds(2);
  const ports::LinkId link = dial();
  opened(link);
  EXPECT_TRUE(links_.on_closed(link, now_)->was_open);
  now_ = now_ + Duration::millis(50);
  EXPECT_NE(dial(), 0u);
}

TEST_F(LinksTest, ALinkThatIsClosedHereIsForgottenWithItsBackOff) {
  const ports::LinkId link = dial();
  EXPECT_TRUE(links_.close(link));
  EXPECT_EQ(transport_.closed, std::vector<ports::LinkId>{link});
  opened(link);
  EXPECT_EQ(links_.peer(link), nullptr) << "its opening was on the way";
  EXPECT_FALSE(links_.on_closed(link, now_));
  EXPECT_NE(dial(), 0u);
}

TEST_F(LinksTest, ClosingAllTellsWhatThereWas) {
  const ports::LinkId link = dial();
  opened(link);
  opened(7, true);
  const auto gone = links_.close_all();
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_EQ(gone.front().first, 7u);
  EXPECT_EQ(gone.back().second.outbound, at(9));
  EXPECT_EQ(links_.open_count(), 0u);
}

}  // namespace
}  // namespace swarm::node
