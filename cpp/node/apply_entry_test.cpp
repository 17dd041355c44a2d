// Entries that no replica may understand differently: what cannot be read, and what is too new.
#include "node/apply_entry.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"
#include "model/key_value.hpp"
#include "model/kind.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "node/replica_disk.hpp"

namespace swarm::node {
namespace {

const model::Build kOld{1, {{model::KeyValue::kKind, 2}}}, kNew{2, {{model::KeyValue::kKind, 2}}};

// A replica of the old build and one of the new.
class Entries : public testing::Test {
 protected:
  Entries() {
    model::Cluster cluster;
    cluster.id = ClusterId(1);
    model::Node node;
    node.id = NodeId(1);
    both(of({model::Put{cluster}, model::Put{node}}));
  }
  static std::string of(std::vector<model::Action> actions, std::uint64_t request = 7) {
    model::Transaction transaction;
    transaction.request = request;
    transaction.actions = std::move(actions);
    return codec::encode(transaction);
  }
  // Why neither applies it; "" when both do.
  std::string both(const std::string& data) {
    const std::uint64_t index = older.version() + 1;
    const EntryResult a = apply_entry(older, kOld, data, index), b = apply_entry(newer, kNew, data, index);
    EXPECT_EQ(a.applied.outcome.applied, b.applied.outcome.applied);
    EXPECT_EQ(a.applied.outcome.error, b.applied.outcome.error);
    EXPECT_EQ(a.request, b.request);
    EXPECT_EQ(older.version(), index);
    last = a;
    return a.applied.outcome.applied ? "" : a.applied.outcome.error;
  }

  void TearDown() override { EXPECT_EQ(pack_snapshot(older, {}, {}), pack_snapshot(newer, {}, {})); }

  store::Store older, newer;
  EntryResult last;
};

TEST_F(Entries, AnObjectOfAKindThatNoBuildKnowsChangesNothing) {
  const std::string before = pack_snapshot(older, {}, {});
  EXPECT_EQ(both(std::string("\x1a\x04\x0a\x02\x32\x00", 6)),
            "corrupt transaction: an object of an unknown kind");
  EXPECT_TRUE(last.refused);
  EXPECT_EQ(pack_snapshot(older, {}, {}), before);
}

TEST_F(Entries, ARemovalOfAKindThatNoBuildKnowsChangesNothing) {
  EXPECT_EQ(both(of({model::Remove{model::Kind(77), 1, 0}})), "corrupt transaction: kind 77 is not known");
  EXPECT_TRUE(last.refused);
}

TEST_F(Entries, AnActionThatNoBuildKnowsChangesNothingOfItsWholeTransaction) {
  model::NodeStep step;
  step.id = NodeId(1);
  step.role = model::NodeRole::manager;
  const std::string unknown("\x1a\x03\x7a\x01\x00",
                            5);  // a third field of Transaction: an action of number 15
  EXPECT_EQ(both(of({step}) + unknown), "corrupt transaction: an action of an unknown kind");
  EXPECT_EQ(older.node(NodeId(1))->role, model::NodeRole::worker);
  EXPECT_EQ(both(of({step})), "") << "else the refusal proves nothing";
}

TEST_F(Entries, WhatIsNewerThanTheSwarmIsRefusedByTheNewerBuildToo) {
  const std::string write = of({model::WriteKey{"x", "1", {}, {}}});
  EXPECT_EQ(both(write), "it needs feature level 2, and the swarm is at 1");
  EXPECT_EQ(last.request, 7U) << "its proposer hears of it";
  EXPECT_EQ(newer.key("x"), nullptr);
}

TEST_F(Entries, ARaiseCountsForTheEntriesAfterIt) {
  model::Cluster cluster = *newer.cluster();
  cluster.feature_level = 2;
  const std::vector<model::Action> raise{model::Put{cluster}}, write{model::WriteKey{"x", "1", {}, {}}};
  EXPECT_NE(both(of({raise[0], write[0]})), "") << "not for what comes with it";
  EXPECT_EQ(both(of(raise)), "");
  EXPECT_EQ(both(of(write)), "") << "the older build stops before it: see Replica";
}

TEST_F(Entries, RandomBytesAreRefusedAlike) {
  Rng rng(1);
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (std::uint64_t n = rng.below(40) + 1; n > 0; --n) bytes += static_cast<char>(rng.below(256));
    both(bytes);
    refused += last.refused;
  }
  EXPECT_GT(refused, 15'000U);
}

// Bytes that were right once, with a few of them changed: most can be read, and mean something else.
TEST_F(Entries, ChangedBytesAreAppliedOrRefusedAlike) {
  model::Service service;
  service.id = ServiceId(1);
  service.spec.annotations.name = "web";
  model::Task task;
  task.id = TaskId(1);
  task.service_id = service.id;
  model::NodeStep step;
  step.id = NodeId(1);
  step.status = model::NodeStatus{model::NodeState::ready, "fine", "127.0.0.1"};
  model::TaskStep report;
  report.id = task.id;
  report.node_id = NodeId(1);
  model::Cluster cluster;
  const std::string right[] = {of({model::Put{service}, model::Put{task}}),
                               of({model::Put{task}}),
                               of({step, report}),
                               of({model::Remove::of<model::Service>(service.id)}),
                               of({model::Put{cluster}}),
                               of({model::WriteKey{"x", "1", {}, {}}})};
  Rng rng(2);
  std::size_t applied = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = right[rng.below(std::size(right))];
    for (std::uint64_t n = rng.below(3) + 1; n > 0; --n) {
      const std::uint64_t at = rng.below(bytes.size());
      bytes[at] = static_cast<char>(rng.below(256));
    }
    if (both(bytes).empty()) ++applied;
    refused += last.refused;
  }
  EXPECT_GT(applied, 100U);
  EXPECT_GT(refused, 1'000U);
}

}  // namespace
}  // namespace swarm::node
