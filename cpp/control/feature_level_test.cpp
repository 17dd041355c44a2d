#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "control/feature_level.hpp"
#include "control/join.hpp"
#include "control/node.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"

namespace swarm::control {
namespace {

using model::FeatureLevel;

// m1, m2 and m3 manage, w1 works; all are ready.
class Levels : public testing::Test {
 protected:
  Levels() {
    model::Cluster cluster;
    cluster.id = ClusterId(1);
    cluster.root_ca.join_token_worker = "worker";
    cluster.root_ca.join_token_manager = "manager";
    apply(model::Put{cluster});
    for (std::uint64_t i = 1; i <= 4; ++i) {
      model::Node node;
      node.id = NodeId(i);
      node.description.hostname = i == 4 ? "w1" : "m" + std::to_string(i);
      node.status.state = model::NodeState::ready;
      if (i < 4) node.role = node.spec.desired_role = model::NodeRole::manager;
      apply(model::Put{node});
    }
  }
  model::Outcome apply(model::Action action) {
    model::Transaction transaction;
    transaction.actions.push_back(std::move(action));
    return store.apply(transaction, store.version() + 1).outcome;
  }
  void knows(std::uint64_t node, FeatureLevel level) {
    model::NodeStep step;
    step.id = NodeId(node);
    step.description = store.node(step.id)->description;
    step.description->feature_level = level;
    apply(step);
  }
  void is(std::uint64_t node, model::NodeState state) {
    model::NodeStep step;
    step.id = NodeId(node);
    step.status = model::NodeStatus{state, {}, {}};
    apply(step);
  }
  // The level that it rises to now; 0: it does not.
  FeatureLevel raised(FeatureLevel own) const {
    const auto raise = raise_level(store, model::Build{own, {}}, managers);
    if (!raise) return 0;
    return std::get<model::Cluster>(std::get<model::Put>(raise->actions.at(0)).object).feature_level;
  }
  void be_at(FeatureLevel level) {
    model::Cluster cluster = *store.cluster();
    cluster.feature_level = level;
    ASSERT_TRUE(apply(model::Put{cluster}).applied);
  }

  store::Store store;
  std::vector<NodeId> managers{NodeId(1), NodeId(2), NodeId(3)};
};

TEST_F(Levels, ItRisesToWhatEveryManagerKnows) {
  EXPECT_EQ(raised(3), 0U);
  knows(1, 3), knows(2, 3);
  EXPECT_EQ(raised(3), 0U) << "m3 does not know it";
  knows(3, 2);
  EXPECT_EQ(raised(3), 2U) << "one step is better than none";
  be_at(2);
  EXPECT_EQ(raised(3), 0U);
  knows(3, 9);
  EXPECT_EQ(raised(3), 3U) << "never beyond the leader's own build";
}

TEST_F(Levels, WorkersHoldNothingBack) {
  for (const std::uint64_t node : {1, 2, 3}) knows(node, 2);
  EXPECT_EQ(raised(2), 2U);
}

TEST_F(Levels, AManagerThatIsNotReadyHoldsItBack) {
  for (const std::uint64_t node : {1, 2, 3}) knows(node, 2);
  is(2, model::NodeState::down);
  EXPECT_EQ(raised(2), 0U);
  managers.push_back(NodeId(77));  // a member that the store does not know yet
  is(2, model::NodeState::ready);
  EXPECT_EQ(raised(2), 0U);
}

TEST_F(Levels, ItIsNeverLowered) {
  be_at(2);
  model::Cluster cluster = *store.cluster();
  cluster.feature_level = 1;
  const auto outcome = apply(model::Put{cluster});
  EXPECT_FALSE(outcome.applied);
  EXPECT_EQ(outcome.error, "the feature level of a swarm is never lowered");
  EXPECT_EQ(store.feature_level(), 2U);
}

TEST_F(Levels, ARefusalNamesTheManagersToUpgrade) {
  EXPECT_TRUE(may_propose(store, 1, managers).ok());
  knows(1, 2);
  is(3, model::NodeState::down);
  knows(3, 2);
  const auto refused = may_propose(store, 2, managers);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(
      refused.error().message,
      "this needs feature level 2, and the swarm is at feature level 1: m2 knows feature level 1 and m3 is "
      "down");
  EXPECT_NE(refused.error().hint.find("upgrade swarmpy on these managers"), std::string::npos);
  knows(2, 2);
  is(3, model::NodeState::ready);
  EXPECT_EQ(may_propose(store, 2, managers).error().hint, "the level is just rising: try again");
}

TEST_F(Levels, AnOlderBuildMayJoinAsAWorkerOnly) {
  be_at(2);
  wire::JoinRequest request;
  request.description.hostname = "old";
  request.token = "manager";
  const auto refused = join_node(store, NodeId(9), request, "127.0.0.1");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::failed_precondition);
  EXPECT_EQ(
      refused.error().message,
      "the swarmpy of node old knows feature level 1, and a manager of this swarm must know feature level 2: "
      "upgrade swarmpy on node old first");
  request.token = "worker";
  EXPECT_TRUE(join_node(store, NodeId(9), request, "127.0.0.1").ok());
  request.token = "manager";
  request.description.feature_level = 2;
  EXPECT_TRUE(join_node(store, NodeId(9), request, "127.0.0.1").ok());
}

TEST_F(Levels, AnOlderWorkerIsNotPromoted) {
  be_at(2);
  const auto worker = store.node(NodeId(4));
  model::NodeSpec spec = worker->spec;
  spec.desired_role = model::NodeRole::manager;
  const auto refused = update_node(store, worker->id, worker->meta.version, spec, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("upgrade swarmpy on node w1 first"), std::string::npos);
  knows(4, 2);
  EXPECT_TRUE(update_node(store, worker->id, store.node(NodeId(4))->meta.version, spec, {}).ok());
}

}  // namespace
}  // namespace swarm::control
