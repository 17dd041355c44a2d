// Rows in, the desired network out: who reaches whom, and what a change costs.
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <set>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/service_spec.hpp"
#include "net/overlay/answers.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/names.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/test_fabric.hpp"

namespace swarm::overlay {
namespace {

using Tasks = std::vector<TaskId>;

Tasks tasks(std::initializer_list<std::uint64_t> numbers) {
  Tasks out;
  for (const std::uint64_t number : numbers) out.push_back(TaskId(number));
  return out;
}

// Three nodes. Network 1: tasks 1 (client, node 1), 2 and 3 (service 7, nodes 2 and 3). Network 2: task 4 on
// node 1, task 5 on node 2.
class Overlay : public testing::Test {
 protected:
  Overlay() : fabric_(3) {
    TableChange change;
    change.networks = {network(1), network(2)};
    change.services = {service(1, 7)};
    change.attachments = {attachment(1, 1, 1), attachment(1, 2, 2, 7), attachment(1, 3, 3, 7),
                          attachment(2, 4, 1), attachment(2, 5, 2)};
    fabric_.tell(change);
  }
  void set(const AttachmentRow& row) {
    TableChange change;
    change.attachments = {row};
    fabric_.tell(change);
  }
  Answer ask(std::uint64_t from, const Address& to) {
    return who_answers(fabric_.at(1).table(), TaskId(from), to);
  }
  Fabric fabric_;
};

TEST_F(Overlay, EachPairOfOneNetworkReachesEachOtherAndNoPairAcross) {
  const std::set<std::uint64_t> first{1, 2, 3}, second{4, 5};
  for (std::uint64_t from = 1; from <= 5; ++from)
    for (std::uint64_t to = 1; to <= 5; ++to) {
      const bool together = first.contains(from) == first.contains(to);
      const std::uint64_t network_of_to = first.contains(to) ? 1 : 2;
      const std::uint64_t node_of_from = from == 4 ? 1 : from == 5 ? 2 : from;
      const auto reached = fabric_.deliver(NodeId(node_of_from), TaskId(from), ip(network_of_to, 100 + to));
      EXPECT_EQ(reached, together ? std::set{TaskId(to)} : std::set<TaskId>{}) << from << " to " << to;
    }
}

TEST_F(Overlay, ANetworkWithoutATaskOfTheNodeIsNotThere) {
  EXPECT_EQ(fabric_.kernel(3).segments.size(), 1U);
  EXPECT_EQ(fabric_.kernel(3).stations.size(), 2U);
  EXPECT_EQ(fabric_.kernel(1).segments.size(), 2U);
}

TEST_F(Overlay, ATaskGetsAnInterfaceAsDockersDo) {
  const Cable& cable = fabric_.kernel(2).cables.at({NetworkId(1), TaskId(2)});
  EXPECT_EQ(cable.inside, "eth0");
  EXPECT_EQ(cable.address, ip(1, 102));
  EXPECT_EQ(cable.bits, 24);
  EXPECT_EQ(cable.mac.str(), "02:42:0a:00:01:66");
  EXPECT_EQ(cable.mtu, 1450U);
  const Segment& segment = fabric_.kernel(2).segments.at(NetworkId(1));
  EXPECT_EQ(segment.bridge, "swb4097");
  EXPECT_EQ(segment.tunnel, "swx4097");
}

TEST_F(Overlay, AnotherNodesTaskIsANeighbourBehindItsNode) {
  const Station& station = fabric_.kernel(1).stations.at({NetworkId(1), ip(1, 102)});
  EXPECT_EQ(station.mac, mac_of(ip(1, 102)));
  EXPECT_EQ(station.node, node_address(2));
  EXPECT_FALSE(fabric_.kernel(2).stations.contains({NetworkId(1), ip(1, 102)})) << "there it has a cable";
}

TEST_F(Overlay, AVipLeadsOnlyToTasksThatMayGetConnections) {
  const Address vip = ip(1, 8);
  EXPECT_EQ(ask(1, vip).tasks, tasks({2, 3}));
  EXPECT_TRUE(ask(1, vip).by_vip);
  set(attachment(1, 2, 2, 7, Stage::leaving));
  EXPECT_EQ(ask(1, vip).tasks, tasks({3}));
  EXPECT_EQ(ask(1, ip(1, 102)).tasks, tasks({2})) << "by its address it is still reached";
  set(attachment(1, 3, 3, 7, Stage::made));
  EXPECT_EQ(ask(1, vip).tasks, tasks({}));
  EXPECT_EQ(ask(1, vip).reason, "no task of service " + ServiceId(7).str() + " may get connections");
  EXPECT_TRUE(fabric_.kernel(1).vips.at({TaskId(1), vip}).backends->empty())
      << "refused at once, not let through";
  EXPECT_EQ(ask(1, ip(1, 103)).reason, "task " + TaskId(3).str() + " is not up");
}

TEST_F(Overlay, AVipIsKnownOnItsNetworkOnly) {
  EXPECT_TRUE(fabric_.kernel(1).vips.contains({TaskId(1), ip(1, 8)}));
  EXPECT_FALSE(fabric_.kernel(1).vips.contains({TaskId(4), ip(1, 8)}));
  EXPECT_EQ(ask(4, ip(1, 8)).reason, "no network of task " + TaskId(4).str() + " has the address 10.0.1.8");
}

TEST_F(Overlay, DnsrrHasNoVipMap) {
  TableChange change;
  change.services = {service(1, 7)};
  change.services[0].mode = model::EndpointMode::dnsrr;
  fabric_.tell(change);
  EXPECT_TRUE(fabric_.kernel(1).vips.empty());
  EXPECT_EQ(ask(1, ip(1, 8)).reason, "no task of network net1 has the address 10.0.1.8");
}

TEST_F(Overlay, AnInternalNetworkHasNoWayOut) {
  TableChange change;
  change.networks = {network(2)};
  change.networks[0].internal = true;
  fabric_.tell(change);
  EXPECT_TRUE(fabric_.kernel(1).spaces.at(TaskId(1)).way_out);
  EXPECT_FALSE(fabric_.kernel(1).spaces.at(TaskId(4)).way_out);
  AttachmentRow second = attachment(1, 4, 1);
  second.index = 1;
  set(second);
  EXPECT_TRUE(fabric_.kernel(1).spaces.at(TaskId(4)).way_out) << "its other network has one";
  EXPECT_EQ(fabric_.kernel(1).cables.at({NetworkId(1), TaskId(4)}).inside, "eth1");
}

TEST_F(Overlay, AChangeGivesItsOwnDifferenceOnly) {
  set(attachment(1, 6, 2, 7));
  EXPECT_EQ(fabric_.last(1).size(), 2U) << "a station, and the VIP of the one task here";
  EXPECT_EQ(fabric_.last(1).stations.size(), 1U);
  EXPECT_EQ(fabric_.last(2).cables.size() + fabric_.last(2).spaces.size(), 2U);
  EXPECT_EQ(fabric_.last(2).vips.size(), 2U) << "task 2's map changes, task 6 gets one";
  set(attachment(1, 6, 2, 7));
  for (const std::uint64_t node : {1, 2, 3}) EXPECT_TRUE(fabric_.last(node).empty()) << "the same row again";
  set(attachment(2, 5, 2, 0, Stage::leaving));
  EXPECT_TRUE(fabric_.last(1).empty()) << "by its address it is reached as before";
}

TEST_F(Overlay, AnAddressThatGoesToANewerTaskIsOneStation) {
  AttachmentRow next = attachment(1, 9, 3);
  next.address = ip(1, 102);
  set(attachment(1, 2, 2, 7, Stage::leaving));
  set(next);
  EXPECT_EQ(fabric_.kernel(1).stations.at({NetworkId(1), ip(1, 102)}).node, node_address(3));
  EXPECT_EQ(ask(1, ip(1, 102)).tasks, tasks({9}));
  TableChange gone;
  gone.removed_attachments = {{NetworkId(1), TaskId(2)}};
  fabric_.tell(gone);
  EXPECT_EQ(fabric_.last(1).size(), 0U) << "the older row's end takes nothing away";
}

TEST_F(Overlay, ANodeThatMovesTakesItsTasksAlong) {
  TableChange change;
  change.nodes = {{NodeId(2), node_address(200)}};
  fabric_.tell(change);
  EXPECT_EQ(fabric_.last(1).stations.size(), 2U);
  EXPECT_EQ(fabric_.last(1).size(), 2U) << "the VIP's addresses are the same";
  change = {};
  change.removed_nodes = {NodeId(2)};
  fabric_.tell(change);
  EXPECT_EQ(ask(1, ip(1, 8)).tasks, tasks({3}));
  EXPECT_EQ(ask(1, ip(1, 102)).reason, "the address of node " + NodeId(2).str() + " is not known");
}

TEST_F(Overlay, AWholeTableTakesAwayWhatItDoesNotName) {
  TableChange begin, end;
  begin.first = true;
  begin.networks = {network(1)};
  begin.nodes = {{NodeId(1), node_address(1)}, {NodeId(2), node_address(2)}};
  end.last = true;
  end.attachments = {attachment(1, 1, 1), attachment(1, 2, 2, 7)};
  fabric_.tell(begin);
  EXPECT_TRUE(fabric_.last(1).empty()) << "old rows stay until it has ended";
  fabric_.tell(end);
  EXPECT_EQ(fabric_.kernel(1).segments.size(), 1U);
  EXPECT_EQ(fabric_.kernel(1).stations.size(), 1U);
  EXPECT_TRUE(fabric_.kernel(1).vips.empty());
  EXPECT_EQ(fabric_.kernel(3), DesiredNetwork{});
}

TEST(OverlayKeeper, ANodeThatLeavesHasNothing) {
  Keeper keeper;
  keeper.set_self(NodeId(1));
  TableChange change;
  change.networks = {network(1)};
  change.attachments = {attachment(1, 1, 1)};
  keeper.on(change);
  EXPECT_EQ(keeper.take_difference().size(), 3U);
  keeper.leave();
  EXPECT_EQ(keeper.take_difference().size(), 3U);
  EXPECT_EQ(keeper.desired(), DesiredNetwork{});
}

TEST(OverlayKeeper, SubnetsOfOneNetworkAreOneLink) {
  Keeper keeper;
  keeper.set_self(NodeId(1));
  TableChange change;
  change.networks = {network(1)};
  change.networks[0].subnets.push_back({{ip(9, 0), 25}, ip(9, 1)});
  change.attachments = {attachment(1, 1, 1)};
  keeper.on(change);
  keeper.take_difference();
  const Cable& cable = keeper.desired().cables.at({NetworkId(1), TaskId(1)});
  EXPECT_EQ(cable.on_link, (std::vector<AddressBlock>{{ip(9, 0), 25}}));
}

TEST(OverlayNames, FitAndSayWhoseTheyAre) {
  const TaskId task = *TaskId::parse("eeeeeeeeeeeeeeezzzzzzzzz1");
  EXPECT_EQ(cable_name(task, 255), "swvzzzzzzzzz173");
  EXPECT_LE(cable_name(task, 255).size(), 15U);
  EXPECT_EQ(tunnel_name(16'777'215), "swx16777215");
}

}  // namespace
}  // namespace swarm::overlay
