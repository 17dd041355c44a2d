#include "node/snapshot_sender.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "model/service.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/replica_disk.hpp"
#include "node/snapshot_packer.hpp"

namespace swarm::node {
namespace {

class SnapshotSenderTest : public testing::Test {
 protected:
  SnapshotSenderTest() {
    model::Transaction all;
    for (std::uint64_t id = 1; id <= 20; ++id) {
      model::Service service;
      service.id = ServiceId(id);
      service.spec.annotations.name = "s" + std::to_string(id);
      service.spec.annotations.labels = {{"big", std::string(600'000, 'x')}};
      all.actions.push_back(model::Put{service});
    }
    EXPECT_TRUE(store_.apply(all, 2).outcome.applied);
    whole_ = pack_snapshot(store_, {}, {});
  }
  SnapshotSender sender() {
    return {std::make_shared<SnapshotSource>(SnapshotSource{store_.view(), {}, {}}), 2, "head"};
  }
  // What the member has: it takes a piece only when it is the next one.
  void take(const wire::SnapshotChunk& chunk) {
    EXPECT_EQ(chunk.snapshot_index, 2u);
    EXPECT_EQ(chunk.checksum, fnv1a(chunk.data));
    if (chunk.number != received_) return;
    got_ += chunk.data;
    last_ = chunk.last;
    ++received_;
  }

  store::Store store_;
  std::string whole_, got_;
  std::uint32_t received_ = 0;
  bool last_ = false;
};

TEST_F(SnapshotSenderTest, SendsSoMuchAsIsAcknowledged) {
  SnapshotSender sender = this->sender();
  std::size_t on_the_way = 0;
  for (; sender.can_send(); ++on_the_way) take(sender.next());
  EXPECT_EQ(on_the_way, SnapshotSender::kWindow);
  sender.on_ack(1);
  EXPECT_TRUE(sender.can_send());
  take(sender.next());
  EXPECT_FALSE(sender.can_send());
  while (!sender.is_done()) {
    sender.on_ack(received_);
    while (sender.can_send()) take(sender.next());
  }
  EXPECT_TRUE(last_);
  EXPECT_EQ(got_, whole_);
  EXPECT_EQ(sender.bytes(), whole_.size());
}

TEST_F(SnapshotSenderTest, TheHeadGoesWithTheFirstPieceOnEachLink) {
  SnapshotSender sender = this->sender();
  EXPECT_EQ(sender.next().message, "head");
  EXPECT_EQ(sender.next().message, "");
  sender.on_ack(1);
  sender.go_on_elsewhere();
  const auto chunk = sender.next();
  EXPECT_EQ(chunk.message, "head");
  EXPECT_EQ(chunk.number, 1u) << "what was acknowledged is not sent again";
}

TEST_F(SnapshotSenderTest, GoesOnAfterEachLinkThatIsLost) {
  SnapshotSender sender = this->sender();
  for (int lost = 0; !sender.is_done(); ++lost) {
    for (int i = 0; i < 3 && sender.can_send(); ++i) {
      const auto chunk = sender.next();
      if (i < 2) take(chunk);  // the third is lost with the link
    }
    if (lost % 2 == 0) sender.on_ack(received_);  // or the acknowledgement is
    if (sender.is_done()) break;
    sender.go_on_elsewhere();
    ASSERT_LT(lost, 100);
  }
  EXPECT_EQ(got_, whole_);
}

TEST_F(SnapshotSenderTest, AMemberThatHasForgottenGetsItFromTheBeginning) {
  SnapshotSender sender = this->sender();
  for (int i = 0; i < 5; ++i) take(sender.next());
  sender.on_ack(5);
  sender.go_on_elsewhere();
  EXPECT_EQ(sender.next().number, 5u);
  sender.on_ack(0);
  received_ = 0;
  got_.clear();
  const auto first = sender.next();
  EXPECT_EQ(first.number, 0u);
  EXPECT_EQ(first.message, "head");
  take(first);
  while (!sender.is_done()) {
    sender.on_ack(received_);
    while (sender.can_send()) take(sender.next());
  }
  EXPECT_EQ(got_, whole_);
}

}  // namespace
}  // namespace swarm::node
