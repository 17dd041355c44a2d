// The way from one root to another, on a real store: the test plays the nodes.
#include "ca/root_reconciler.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::ca {
namespace {

const NodeId kM(1), kW(2), kDown(3);
const std::string kOld = "OLD", kNew = "NEW";

model::RootRotation to(const std::string& root) {
  return {root, root + " KEY", root + " CROSS", root + " id", "worker " + root, "manager " + root};
}

class Reconciler : public testing::Test {
 protected:
  Reconciler() {
    model::Cluster cluster;
    cluster.id = ClusterId(9);
    cluster.feature_level = 2;
    cluster.root_ca = {kOld, "OLD KEY", "worker OLD", "manager OLD", {}, {}};
    apply({model::Put{cluster}});
    for (const NodeId id : {kM, kW, kDown}) {
      model::Node node;
      node.id = id;
      node.description.tls = model::TlsInfo{kOld, "OLD id", "subject", "key"};
      apply({model::Put{node}});
    }
    reconciler_.start(store_, now_, WallTime{1});
    started_ = true;
    plan();
  }

  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    if (started_) reconciler_.observe(store_, applied.changes, now_);
  }
  void plan() {
    if (auto next = reconciler_.plan(store_, now_, WallTime{1})) apply(std::move(next->actions));
  }
  void set_roots(model::RootCa roots) {
    model::Cluster cluster = *store_.cluster();
    cluster.root_ca = std::move(roots);
    apply({model::Put{cluster}});
    plan();
  }
  void rotate_to(const std::string& root) {
    model::RootCa roots = store_.cluster()->root_ca;
    roots.rotation = to(root);
    set_roots(std::move(roots));
  }
  void says(NodeId id, const std::string& trusts, const std::string& issuer) {
    model::NodeStep step;
    step.id = id;
    step.description = store_.node(id)->description;
    step.description->tls = model::TlsInfo{trusts, issuer, "subject", "key"};
    apply({step});
    plan();
  }
  std::vector<NodeId> told() {
    plan();
    return reconciler_.take_behind();
  }
  const model::RootCa& roots() const { return store_.cluster()->root_ca; }

  store::Store store_;
  RootReconciler reconciler_;
  Instant now_{1'000};
  bool started_ = false;
};

TEST_F(Reconciler, ASwarmWhoseRootIsNotRotatedIsLeftAlone) {
  EXPECT_EQ(told(), std::vector<NodeId>{});
  EXPECT_EQ(reconciler_.next_deadline(), Instant::never());
}

TEST_F(Reconciler, TheNewRootTakesThePlaceOfTheOldOneWhenEachNodeHasACertificateOfIt) {
  rotate_to(kNew);
  EXPECT_EQ(told(), (std::vector<NodeId>{kM, kW, kDown}));
  says(kM, kOld, "NEW id");
  says(kW, kOld, "NEW id");
  EXPECT_TRUE(roots().rotation) << "the node that is down blocks it";
  EXPECT_EQ(roots().cert_pem, kOld);
  says(kDown, kOld, "NEW id");
  EXPECT_EQ(roots(), (model::RootCa{kNew, "NEW KEY", "worker NEW", "manager NEW", "NEW id", {}}));
}

TEST_F(Reconciler, ANodeThatIsRemovedBlocksNothing) {
  rotate_to(kNew);
  says(kM, kOld, "NEW id");
  says(kW, kOld, "NEW id");
  apply({model::Remove::of<model::Node>(kDown)});
  plan();
  EXPECT_EQ(roots().cert_pem, kNew);
}

TEST_F(Reconciler, NodesAreToldUntilTheyBelieveTheNewRoot) {
  rotate_to(kNew);
  for (const NodeId id : {kM, kW, kDown}) says(id, kOld, "NEW id");
  EXPECT_EQ(told(), (std::vector<NodeId>{kM, kW, kDown}));
  EXPECT_EQ(told(), std::vector<NodeId>{}) << "not all the time";
  says(kM, kNew, "NEW id");
  ASSERT_NE(reconciler_.next_deadline(), Instant::never());
  now_ = reconciler_.next_deadline();
  EXPECT_EQ(told(), (std::vector<NodeId>{kW, kDown})) << "what was told may be lost";
  for (const NodeId id : {kW, kDown}) says(id, kNew, "NEW id");
  EXPECT_EQ(told(), std::vector<NodeId>{});
  EXPECT_EQ(reconciler_.next_deadline(), Instant::never());
}

TEST_F(Reconciler, AnotherGoalTakesThePlaceOfTheFirst) {
  rotate_to("MIDDLE");
  for (const NodeId id : {kM, kW}) says(id, kOld, "MIDDLE id");
  rotate_to(kNew);
  EXPECT_EQ(reconciler_.old_certificates().size(), 3U);
  for (const NodeId id : {kM, kW, kDown}) says(id, kOld, "NEW id");
  EXPECT_EQ(roots().cert_pem, kNew);
}

TEST_F(Reconciler, ARotationThatIsGivenUpLeadsItsNodesBack) {
  rotate_to(kNew);
  says(kM, kOld, "NEW id");
  model::RootCa back = roots();
  back.rotation.reset();
  back.id = "OLD id";
  set_roots(back);
  EXPECT_EQ(told(), std::vector<NodeId>{kM});
  says(kM, kOld, "OLD id");
  EXPECT_EQ(told(), std::vector<NodeId>{});
  EXPECT_EQ(roots(), back);
}

TEST_F(Reconciler, ANodeThatSaysNothingOfItsCertificateBlocksARotation) {
  model::Node silent;
  silent.id = NodeId(4);
  apply({model::Put{silent}});
  EXPECT_EQ(told(), std::vector<NodeId>{}) << "an older build; nothing is wanted of it";
  rotate_to(kNew);
  for (const NodeId id : {kM, kW, kDown}) says(id, kOld, "NEW id");
  EXPECT_TRUE(roots().rotation);
}

TEST_F(Reconciler, ANewLeaderGoesOnWhereTheLastOneStopped) {
  rotate_to(kNew);
  says(kM, kOld, "NEW id");
  RootReconciler next;
  next.start(store_, now_, WallTime{1});
  EXPECT_EQ(next.old_certificates(), (std::set<NodeId>{kW, kDown}));
  EXPECT_FALSE(next.plan(store_, now_, WallTime{1}));
  EXPECT_EQ(next.take_behind(), (std::vector<NodeId>{kW, kDown}));
}

}  // namespace
}  // namespace swarm::ca
