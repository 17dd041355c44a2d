// Random tables, told in random order and row by row: what edits alone have made is the whole value, and it
// does what who_answers says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "model/service_spec.hpp"
#include "net/overlay/answers.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"
#include "net/overlay/test_fabric.hpp"

namespace swarm::overlay {
namespace {

constexpr std::uint64_t kNodes = 3, kNetworks = 3, kServices = 3, kTasks = 12;

template <class Item>
void shuffle(std::vector<Item>& items, Rng& rng) {
  for (std::size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[rng.below(left)]);
}

AttachmentRow random_attachment(Rng& rng) {
  const std::uint64_t task = 1 + rng.below(kTasks);
  const std::uint64_t network = 1 + rng.below(kNetworks);
  const std::uint64_t service = rng.below(kServices + 1);
  AttachmentRow row = attachment(network, task, 1 + task % kNodes, service);
  if (rng.chance(1, 8)) row.node = NodeId(1 + rng.below(kNodes));
  row.index = static_cast<std::uint8_t>(network);
  row.stage = static_cast<Stage>(rng.below(3));
  return row;
}

ServiceRow random_service(Rng& rng) {
  const std::uint64_t network = 1 + rng.below(kNetworks);
  ServiceRow row = service(network, 1 + rng.below(kServices));
  if (rng.chance(1, 4)) row.mode = model::EndpointMode::dnsrr;
  return row;
}

// One row set, or one removed.
TableChange random_change(Rng& rng) {
  TableChange change;
  const std::uint64_t id = 1 + rng.below(3);
  const std::uint64_t task = 1 + rng.below(kTasks);
  switch (rng.below(12)) {
    case 0:
      change.networks = {network(id)};
      break;
    case 1:
      change.removed_networks = {NetworkId(id)};
      break;
    case 2:
      change.nodes = {{NodeId(id), node_address(id)}};
      break;
    case 3:
      change.removed_nodes = {NodeId(id)};
      break;
    case 4:
    case 5:
      change.services = {random_service(rng)};
      break;
    case 6:
      change.removed_services = {{NetworkId(id), ServiceId(1 + task % kServices)}};
      break;
    case 7:
    case 8:
      change.removed_attachments = {{NetworkId(id), TaskId(task)}};
      break;
    default:
      change.attachments = {random_attachment(rng)};
  }
  return change;
}

// All rows of a table, one change each.
std::vector<TableChange> rows_of(const Table& table) {
  std::vector<TableChange> out;
  const auto add = [&out](auto member, const auto& row) { (out.emplace_back().*member) = {row}; };
  for (const auto& [id, row] : table.nodes()) add(&TableChange::nodes, row);
  for (const auto& [id, net] : table.networks()) {
    if (net.row) add(&TableChange::networks, *net.row);
    for (const auto& [service, row] : net.services) add(&TableChange::services, row);
    for (const auto& [task, row] : net.attachments) add(&TableChange::attachments, row);
  }
  return out;
}

DesiredNetwork from_the_start(const Table& table, Rng& rng) {
  Keeper keeper;
  auto rows = rows_of(table);
  shuffle(rows, rng);
  const std::size_t self_at = rng.below(rows.size() + 1);
  for (std::size_t i = 0; i <= rows.size(); ++i) {
    if (i == self_at) keeper.set_self(table.self());
    if (i < rows.size()) keeper.on(rows[i]);
    if (rng.chance(1, 3)) keeper.take_difference();
  }
  keeper.take_difference();
  return keeper.desired();
}

// The edits of a difference one at a time, in an order that chance gives.
void apply_shuffled(DesiredNetwork& to, const Difference& whole, Rng& rng) {
  std::vector<Difference> single;
  const auto take = [&single](auto member, const Difference& all) {
    for (const auto& edit : all.*member) (single.emplace_back().*member) = {edit};
  };
  take(&Difference::segments, whole);
  take(&Difference::stations, whole);
  take(&Difference::spaces, whole);
  take(&Difference::cables, whole);
  take(&Difference::vips, whole);
  shuffle(single, rng);
  for (const Difference& edit : single) apply(to, edit);
}

void expect_delivery_as_answered(const Fabric& fabric, NodeId node) {
  const Table& table = fabric.keepers().at(node).table();
  for (std::uint64_t from = 1; from <= kTasks; ++from)
    for (std::uint64_t network = 1; network <= kNetworks; ++network)
      for (std::uint64_t host = 1; host <= 100 + kTasks; host += host == 4 ? 97 : 1) {
        if (!fabric.keepers().at(node).desired().spaces.contains(TaskId(from))) continue;
        const Answer answer = who_answers(table, TaskId(from), ip(network, host));
        ASSERT_EQ(answer.tasks.empty(), !answer.reason.empty());
        const std::set<TaskId> said(answer.tasks.begin(), answer.tasks.end());
        std::set<TaskId> done = fabric.deliver(node, TaskId(from), ip(network, host));
        // A place without a process: frames get there, and no socket is there.
        std::erase_if(done, [&](TaskId task) {
          return table.find({NetworkId(network), task})->stage == Stage::made;
        });
        ASSERT_EQ(said, done) << "task " << from << " to " << ip(network, host).host() << ": "
                              << answer.reason;
      }
}

TEST(OverlayRandom, EditsInAnyOrderMakeTheWholeValue) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    Fabric fabric(kNodes);
    DesiredNetwork by_edits;
    for (int step = 0; step < 150; ++step) {
      fabric.tell(random_change(rng));
      apply_shuffled(by_edits, fabric.last(1), rng);
      ASSERT_EQ(by_edits, fabric.at(1).desired()) << "seed " << seed;
    }
    for (std::uint64_t node = 1; node <= kNodes; ++node)
      ASSERT_EQ(fabric.kernel(node), from_the_start(fabric.at(node).table(), rng)) << "seed " << seed;
  }
}

TEST(OverlayRandom, TheDifferenceOfTwoValuesLeadsFromOneToTheOther) {
  Rng rng(1);
  Fabric fabric(kNodes);
  for (int step = 0; step < 200; ++step) {
    const DesiredNetwork before = fabric.kernel(1);
    fabric.tell(random_change(rng));
    ASSERT_EQ(difference(before, fabric.kernel(1)), fabric.last(1));
  }
}

// A task has one node here: while the rows of one task name two nodes, nodes may think differently.
TEST(OverlayRandom, WhatIsDeliveredIsWhatWasAnswered) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    Fabric fabric(kNodes);
    for (int step = 0; step < 100; ++step) {
      TableChange change = random_change(rng);
      change.removed_networks.clear();
      for (AttachmentRow& row : change.attachments)
        row.node = NodeId(1 + static_cast<std::uint64_t>(row.task.value()) % kNodes);
      fabric.tell(change);
    }
    for (std::uint64_t node = 1; node <= kNodes; ++node) expect_delivery_as_answered(fabric, NodeId(node));
  }
}

// 1,000 networks with 100 attachments each, 10 of them with a task here: what is to be done for one more
// backend is counted, not timed.
TEST(OverlayRandom, ALargeTableDoesNotMakeAChangeLarger) {
  Keeper keeper;
  keeper.set_self(NodeId(1));
  TableChange change;
  for (std::uint64_t id = 1; id <= 1'000; ++id) {
    NetworkRow row = network(id % 250);
    row.id = NetworkId(id);
    row.vni = static_cast<std::uint32_t>(4096 + id);
    change.networks.push_back(row);
    for (std::uint64_t host = 0; host < 100; ++host) {
      AttachmentRow place = attachment(id % 250, host, id <= 10 && host == 0 ? 1 : 2 + host % 100, 7);
      place.network = row.id;
      place.task = TaskId(id * 1'000 + host);
      change.attachments.push_back(place);
    }
  }
  keeper.on(change);
  for (std::uint64_t node = 2; node < 102; ++node) {
    TableChange nodes;
    nodes.nodes = {{NodeId(node), node_address(node)}};
    keeper.on(nodes);
  }
  EXPECT_EQ(keeper.take_difference().stations.size(), 990U);
  TableChange one;
  one.attachments = {attachment(5, 140, 50, 7)};
  keeper.on(one);
  EXPECT_EQ(keeper.take_difference().size(), 1U);
  one.attachments = {attachment(200, 140, 50, 7)};
  keeper.on(one);
  EXPECT_TRUE(keeper.take_difference().empty()) << "a network that has no task here";
}

}  // namespace
}  // namespace swarm::overlay
