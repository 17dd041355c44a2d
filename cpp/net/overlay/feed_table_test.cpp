// The feed's rows as edits, and as changes of the kernel's table.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "model/service_spec.hpp"
#include "model/wire.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/feed_table.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"
#include "net/overlay/test_fabric.hpp"

namespace swarm::overlay {
namespace {

std::string text(const Address& address) { return address.host() + "/24"; }

wire::OverlayNetwork feed_network(std::uint64_t id) {
  wire::OverlayNetwork out;
  out.network = NetworkId(id);
  out.name = "net" + std::to_string(id);
  out.vni = static_cast<std::uint32_t>(4096 + id);
  out.subnets = {text(ip(id, 0))};
  return out;
}
wire::OverlayService feed_service(std::uint64_t id, const std::vector<std::uint64_t>& networks) {
  wire::OverlayService out{ServiceId(id), "web" + std::to_string(id), {}};
  for (const std::uint64_t at : networks) out.vips.push_back({NetworkId(at), text(ip(at, 1 + id)), {}});
  return out;
}
wire::OverlayTask feed_task(std::uint64_t id, std::uint64_t node, const std::vector<std::uint64_t>& networks,
                            wire::OverlayStage stage = wire::OverlayStage::serving) {
  wire::OverlayTask out;
  out.task = TaskId(id);
  out.node = NodeId(node);
  out.data = node_address(node);
  out.data.port = 7946;
  out.service = ServiceId(4);
  out.stage = stage;
  for (const std::uint64_t at : networks)
    out.places.push_back(
        {NetworkId(at), text(ip(at, 100 + id)), static_cast<std::uint32_t>(out.places.size())});
  return out;
}

class FeedTableTest : public testing::Test {
 protected:
  // The changes of the kernel's table that one part of the feed makes.
  TableChange on(const wire::OverlayChange& change) {
    edits_ = table_.on(change);
    return table_.table_change(edits_);
  }
  TableChange set(const wire::OverlayNetwork& row) { return on(of(&wire::OverlayChange::networks, row)); }
  TableChange set(const wire::OverlayService& row) { return on(of(&wire::OverlayChange::services, row)); }
  TableChange set(const wire::OverlayTask& row) { return on(of(&wire::OverlayChange::tasks, row)); }
  TableChange drop_task(std::uint64_t id) { return on(of(&wire::OverlayChange::removed_tasks, TaskId(id))); }
  template <class Row>
  static wire::OverlayChange of(std::vector<Row> wire::OverlayChange::*rows, const Row& row) {
    wire::OverlayChange out;
    (out.*rows).push_back(row);
    return out;
  }
  FeedTable table_;
  FeedEdits edits_;
};

TEST_F(FeedTableTest, ANetworksRowBecomesTheKernelsRow) {
  auto net = feed_network(1);
  EXPECT_EQ(set(net).networks, std::vector{[] {
              NetworkRow row = network(1);
              row.subnets[0].gateway = {};
              return row;
            }()});
  net.mtu = 1200;
  net.internal = net.encrypted = true;
  net.subnets = {"no subnet"};
  const auto changed = set(net);
  ASSERT_EQ(changed.networks.size(), 1U);
  EXPECT_EQ(changed.networks[0].mtu, 1200U);
  EXPECT_TRUE(changed.networks[0].internal && changed.networks[0].encrypted);
  EXPECT_TRUE(changed.networks[0].subnets.empty()) << "one that cannot be read is left out";
  EXPECT_EQ(table_.network(NetworkId(1))->mtu, 1200U);
}

TEST_F(FeedTableTest, EditsSayWhatWasAndWhatIs) {
  set(feed_task(10, 1, {1}));
  ASSERT_EQ(edits_.tasks.size(), 1U);
  EXPECT_FALSE(edits_.tasks[0].before);
  EXPECT_EQ(edits_.tasks[0].after, feed_task(10, 1, {1}));
  EXPECT_EQ(set(feed_task(10, 1, {1})), TableChange{}) << "a row that comes twice is no news";
  EXPECT_TRUE(edits_.tasks.empty());
  set(feed_task(10, 1, {1}, wire::OverlayStage::leaving));
  ASSERT_EQ(edits_.tasks.size(), 1U);
  EXPECT_EQ(edits_.tasks[0].before->stage, wire::OverlayStage::serving);
  EXPECT_EQ(edits_.tasks[0].after->stage, wire::OverlayStage::leaving);
  drop_task(10);
  ASSERT_EQ(edits_.tasks.size(), 1U);
  EXPECT_TRUE(edits_.tasks[0].before && !edits_.tasks[0].after);
  drop_task(10);
  EXPECT_TRUE(edits_.tasks.empty()) << "it is gone already";
}

TEST_F(FeedTableTest, RowsComeInAnyOrder) {
  const auto task = set(feed_task(10, 1, {1}));
  ASSERT_EQ(task.attachments.size(), 1U);
  EXPECT_EQ(task.attachments[0].address, ip(1, 110));
  EXPECT_EQ(task.attachments[0].stage, Stage::serving);
  EXPECT_EQ(set(feed_service(4, {1})).services.size(), 1U);
  EXPECT_EQ(set(feed_network(1)).networks.size(), 1U);
}

TEST_F(FeedTableTest, AServiceWithoutAnAddressIsFoundByItsTasks) {
  auto web = feed_service(4, {1, 2});
  web.vips[1].address.clear();
  EXPECT_EQ(set(web).services,
            (std::vector<ServiceRow>{{NetworkId(1), ServiceId(4), model::EndpointMode::vip, ip(1, 5)},
                                     {NetworkId(2), ServiceId(4), model::EndpointMode::dnsrr, Address()}}));
  const auto less = set(feed_service(4, {1}));
  EXPECT_EQ(less.removed_services.size(), 1U);
  EXPECT_EQ(less.removed_services[0].network, NetworkId(2));
}

TEST_F(FeedTableTest, ATaskLosesOneOfItsTwoPlaces) {
  set(feed_task(10, 1, {1, 2}));
  const auto change = set(feed_task(10, 1, {2}));
  EXPECT_EQ(change.removed_attachments, (std::vector<AttachmentKey>{{NetworkId(1), TaskId(10)}}));
  ASSERT_EQ(change.attachments.size(), 1U);
  EXPECT_EQ(change.attachments[0].network, NetworkId(2));
  EXPECT_TRUE(change.removed_nodes.empty());
}

TEST_F(FeedTableTest, APlaceThatCannotBeReadIsNone) {
  auto task = feed_task(10, 1, {1, 2, 3});
  task.places[0].address = "nowhere";
  task.places[1].index = 256;
  const auto change = set(task);
  ASSERT_EQ(change.attachments.size(), 1U);
  EXPECT_EQ(change.attachments[0].network, NetworkId(3));
  EXPECT_EQ(change.attachments[0].index, 2U);
}

TEST_F(FeedTableTest, ANodesAddressIsKnownWhileATaskIsThere) {
  const auto first = set(feed_task(10, 1, {1}));
  EXPECT_EQ(first.nodes, (std::vector<NodeRow>{{NodeId(1), node_address(1)}})) << "without the mesh's port";
  set(feed_task(11, 1, {1}));
  EXPECT_TRUE(drop_task(10).removed_nodes.empty());
  const auto moved = set(feed_task(11, 2, {1}));
  EXPECT_EQ(moved.removed_nodes, std::vector{NodeId(1)});
  EXPECT_EQ(moved.nodes, (std::vector<NodeRow>{{NodeId(2), node_address(2)}}));
  EXPECT_EQ(drop_task(11).removed_nodes, std::vector{NodeId(2)});
}

TEST_F(FeedTableTest, ANodeThatLosesItsLastTaskAndGetsAnotherStays) {
  set(feed_task(10, 1, {1}));
  auto change = of(&wire::OverlayChange::tasks, feed_task(10, 2, {1}));
  change.tasks.push_back(feed_task(11, 1, {1}));
  const auto swapped = on(change);
  EXPECT_TRUE(swapped.removed_nodes.empty());
  EXPECT_EQ(drop_task(11).removed_nodes, std::vector{NodeId(1)});
}

TEST_F(FeedTableTest, ACompleteFeedForgetsWhatItDoesNotName) {
  set(feed_network(1));
  set(feed_network(2));
  set(feed_service(4, {1}));
  set(feed_task(10, 1, {1}));
  auto piece = of(&wire::OverlayChange::networks, feed_network(1));
  piece.first = true;
  EXPECT_EQ(on(piece), TableChange{}) << "old rows stay until its end";
  piece = of(&wire::OverlayChange::tasks, feed_task(11, 1, {1}));
  piece.last = true;
  const auto end = on(piece);
  EXPECT_EQ(end.removed_networks, std::vector{NetworkId(2)});
  EXPECT_EQ(end.removed_services, (std::vector<ServiceKey>{{NetworkId(1), ServiceId(4)}}));
  EXPECT_EQ(end.removed_attachments, (std::vector<AttachmentKey>{{NetworkId(1), TaskId(10)}}));
  EXPECT_TRUE(end.removed_nodes.empty()) << "the new task is there";
  EXPECT_TRUE(table_.network(NetworkId(1)) != nullptr && table_.task(TaskId(11)) != nullptr);
}

TEST_F(FeedTableTest, AnEndWithoutItsBeginningForgetsNothing) {
  set(feed_network(1));
  wire::OverlayChange end;
  end.last = true;
  EXPECT_EQ(on(end), TableChange{});
}

TEST_F(FeedTableTest, ACompleteFeedThatIsBrokenOffBeginsAnew) {
  auto piece = of(&wire::OverlayChange::networks, feed_network(1));
  piece.first = true;
  on(piece);
  piece = of(&wire::OverlayChange::networks, feed_network(2));
  piece.first = piece.last = true;  // of the next session
  EXPECT_EQ(on(piece).removed_networks, std::vector{NetworkId(1)});
}

TEST_F(FeedTableTest, WhoLeavesForgetsAll) {
  set(feed_network(1));
  set(feed_service(4, {1}));
  set(feed_task(10, 1, {1}));
  const auto change = table_.table_change(table_.leave());
  EXPECT_EQ(change.removed_networks.size() + change.removed_services.size() +
                change.removed_attachments.size() + change.removed_nodes.size(),
            4U);
  EXPECT_TRUE(table_.all().tasks.empty() && table_.services().empty());
}

// ---- whatever happens, in whatever order

constexpr std::uint64_t kIds = 5;

std::vector<std::uint64_t> random_networks(Rng& rng) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t id = 1; id <= 3; ++id)
    if (rng.chance(1, 2)) out.push_back(id);
  return out;
}

// One row that comes, changes or goes. A part of a feed has each row once.
void add_random_row(wire::OverlayChange& change, std::uint64_t id, Rng& rng) {
  const auto networks = random_networks(rng);
  const std::uint64_t node = 1 + rng.below(3);
  const auto stage = static_cast<wire::OverlayStage>(rng.below(3));
  switch (rng.below(7)) {
    case 0:
      return change.networks.push_back(feed_network(id));
    case 1:
      change.services.push_back(feed_service(id, networks));
      if (!networks.empty() && rng.chance(1, 3)) change.services.back().vips[0].address.clear();
      return;
    case 2:
      return change.removed_networks.push_back(NetworkId(id));
    case 3:
      return change.removed_services.push_back(ServiceId(id));
    case 4:
      return change.removed_tasks.push_back(TaskId(id));
    default:
      return change.tasks.push_back(feed_task(id, node, networks, stage));
  }
}

wire::OverlayChange random_change(Rng& rng) {
  wire::OverlayChange out;
  out.first = rng.chance(1, 8);
  out.last = rng.chance(1, 8);
  for (std::uint64_t id = 1; id <= kIds; ++id)
    if (rng.chance(1, 2)) add_random_row(out, id, rng);
  return out;
}

DesiredNetwork made_of(const TableChange& rows, NodeId self) {
  Keeper keeper;
  keeper.set_self(self);
  keeper.on(rows);
  keeper.take_difference();
  return keeper.desired();
}

TEST(FeedTableRandom, AKeeperThatHeardAllChangesHasWhatTheLastRowsMake) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    FeedTable table;
    Keeper keeper;
    keeper.set_self(NodeId(1));
    for (int i = 0; i < 60; ++i) {
      keeper.on(table.table_change(table.on(random_change(rng))));
      keeper.take_difference();
      FeedTable fresh;
      ASSERT_EQ(keeper.desired(), made_of(fresh.table_change(table.all()), NodeId(1)))
          << "seed " << seed << ", change " << i;
    }
    keeper.on(table.table_change(table.leave()));
    EXPECT_TRUE(keeper.table().networks().empty() && keeper.table().nodes().empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace swarm::overlay
