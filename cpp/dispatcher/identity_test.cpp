// One identity is one daemon; what a node says of itself is bounded; and what each node hears of the swarm's
// root and of the nodes that were removed.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "dispatcher/dispatcher.hpp"
#include "dispatcher/test_dispatcher.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"

namespace swarm::dispatcher {
namespace {

using model::NodeState;

class Identity : public DispatcherTest {
 protected:
  // One that nothing is heard of but its heartbeats.
  void beat(PeerLink link, NodeId node, std::uint64_t session) {
    say(link, node, wire::Heartbeat{session});
    EXPECT_EQ(heard<wire::HeartbeatReply>(link).size(), 1U);
  }
  wire::SessionRefused refusal(PeerLink link) {
    const auto refused = heard<wire::SessionRefused>(link);
    EXPECT_EQ(refused.size(), 1U);
    return refused.empty() ? wire::SessionRefused{} : refused.front();
  }
  void raise_level() {
    model::Cluster cluster = *store_.cluster();
    cluster.feature_level = 2;
    put(cluster);
  }
};

TEST_F(Identity, TheSecondDaemonIsRefusedForAsLongAsTheFirstOneLives) {
  const NodeId node = add_node();
  start();
  const std::uint64_t first = join(1, node);
  for (int i = 0; i < 20; ++i) {
    pass(kPeriod);
    beat(1, node, first);
    say(2, node, wire::Register{node, {}});
    const auto refused = refusal(2);
    EXPECT_TRUE(refused.remarkable);
    EXPECT_NE(refused.reason.find("another daemon has this node's identity and is in session"),
              std::string::npos)
        << refused.reason;
    EXPECT_FALSE(refused.removed);
  }
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{1});
  EXPECT_EQ(status(node).state, NodeState::ready);
}

TEST_F(Identity, ARestartedNodeReplacesItsOwnSessionOnceThatIsSilentAndIsNotCalledDown) {
  const NodeId node = add_node();
  start();
  const std::uint64_t first = join(1, node);
  beat(1, node, first);
  pass(kPeriod);
  say(2, node, wire::Register{node, {}});
  refusal(2);
  pass(kPeriod / 2);
  const std::uint64_t second = join(2, node);
  EXPECT_NE(second, first);
  EXPECT_EQ(status(node).state, NodeState::ready);
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{2});
}

TEST_F(Identity, ANodeThatNamesItsSessionComesBackByAnotherLinkAtOnce) {
  const NodeId node = add_node();
  start();
  const std::uint64_t first = join(1, node);
  beat(1, node, first);
  const std::uint64_t second = join(2, node, first);
  EXPECT_NE(second, first);
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{2});
  say(3, node, wire::Register{node, {}, first});
  refusal(3);  // an old session proves nothing
}

// The answer to its second Register was lost: it still names the first session.
TEST_F(Identity, ALostAnswerDoesNotLockANodeOut) {
  const NodeId node = add_node();
  start();
  const std::uint64_t first = join(1, node);
  beat(1, node, first);
  say(2, node, wire::Register{node, {}, first});
  heard<wire::Session>(2);
  join(3, node, first);
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{3});
}

TEST_F(Identity, TheFirstOneIsRefusedOnceTheSecondHasTakenItsPlace) {
  const NodeId node = add_node();
  start();
  const std::uint64_t first = join(1, node);
  beat(1, node, first);
  pass(kPeriod * 3 / 2);
  const std::uint64_t second = join(2, node);
  beat(2, node, second);
  say(1, node, wire::Heartbeat{first});
  EXPECT_EQ(refusal(1).reason, "session invalid");
  say(1, node, wire::Register{node, {}, first});
  EXPECT_TRUE(refusal(1).remarkable);
  EXPECT_EQ(dispatcher_.link_of(node), PeerLink{2});
}

TEST_F(Identity, ANodeThatRegistersAllTheTimeIsRefusedUntilItRests) {
  const NodeId node = add_node();
  start();
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    say(1, node, wire::Register{node, {}});
    if (heard<wire::SessionRefused>(1).empty()) ++taken;
  }
  EXPECT_EQ(taken, 40);
  dispatcher_.on_link_closed(store_, 1, now_);
  pass(Duration::seconds(2));
  heard<wire::Session>(1);
  for (int i = 0; i < 20; ++i) {
    say(1, node, wire::Register{node, {}});
    if (heard<wire::SessionRefused>(1).empty()) ++taken;
  }
  EXPECT_EQ(taken, 48) << "four came back in each second";
}

TEST_F(Identity, ADescriptionThatIsTooLargeGetsNoSession) {
  const NodeId node = add_node();
  start();
  wire::Register hello{node, {}};
  hello.description.hostname = std::string(model::kLongestHostname + 1, 'x');
  say(1, node, hello);
  EXPECT_EQ(refusal(1).reason,
            "invalid node description: the hostname (bytes) has 256, and 255 at most are taken");
  EXPECT_EQ(store_.node(node)->description.hostname, "");
}

TEST(DescriptionBounds, EachPartIsBounded) {
  const auto sentences = [](auto change) {
    model::NodeDescription description;
    change(description);
    return model::out_of_bounds(description).size();
  };
  const std::string long_word(model::kLongestWord + 1, 'x');
  EXPECT_EQ(sentences([](auto&) {}), 0U);
  EXPECT_EQ(sentences([&](auto& d) { d.platform.os = long_word; }), 1U);
  EXPECT_EQ(sentences([&](auto& d) { d.platform.architecture = long_word; }), 1U);
  EXPECT_EQ(sentences([&](auto& d) { d.engine_version = long_word; }), 1U);
  EXPECT_EQ(sentences([&](auto& d) { d.plugins = {{"Log", long_word}}; }), 1U);
  EXPECT_EQ(sentences([&](auto& d) { d.plugins.resize(model::kMostPlugins + 1); }), 1U);
  EXPECT_EQ(sentences([&](auto& d) { d.engine_labels["k"] = std::string(model::kLongestEngineLabels, 'x'); }),
            1U);
  EXPECT_EQ(sentences([&](auto& d) {
              for (std::size_t i = 0; i <= model::kMostEngineLabels; ++i) d.engine_labels[std::to_string(i)];
            }),
            1U);
  EXPECT_EQ(sentences([&](auto& d) { d.resources.generic_resources = {{"gpu", long_word, 0}}; }), 1U);
  EXPECT_EQ(
      sentences([&](auto& d) { d.resources.generic_resources.resize(model::kMostGenericResources + 1); }),
      1U);
  EXPECT_EQ(sentences([&](auto& d) {
              d.tls = {std::string(model::kLongestTlsInfo + 1, 'x'), {}, {}, {}};
            }),
            1U);
}

// ---- the swarm's root

TEST_F(Identity, ASessionSaysWhichRootTheNodeIsToBelieveAndWhichSignerItIsToHave) {
  model::Cluster cluster = *store_.cluster();
  cluster.feature_level = 2;
  cluster.root_ca.cert_pem = "OLD";
  cluster.root_ca.rotation = model::RootRotation{"NEW", "KEY", "CROSS", "new id", "w", "m"};
  put(cluster);
  const NodeId node = add_node();
  start();
  wire::Register hello{node, {}};
  hello.description.tls = model::TlsInfo{"OLD", "old id", "subject", "key"};
  say(1, node, hello);
  auto session = heard<wire::Session>(1).back();
  EXPECT_EQ(session.root_cert_pem, "") << "as it does";
  EXPECT_EQ(session.issuer, "new id");
  cluster = *store_.cluster();
  cluster.root_ca = {"NEW", "KEY", "w", "m", "new id", {}};
  put(cluster);
  dispatcher_.tell_facts(store_, {node, NodeId(77)});
  session = heard<wire::Session>(1).back();
  EXPECT_EQ(session.root_cert_pem, "NEW");
}

// Below feature level 2 the log has no room for it; when the level has risen, the store gets it without a new
// session.
TEST_F(Identity, WhatANodeSaysOfItsCertificateWaitsForTheFeatureLevel) {
  const NodeId node = add_node();
  start();
  wire::Register hello{node, {}};
  hello.description.tls = model::TlsInfo{"ROOT", "id", "subject", "key"};
  say(1, node, hello);
  EXPECT_EQ(status(node).state, NodeState::ready);
  EXPECT_FALSE(store_.node(node)->description.tls);
  raise_level();
  run();
  EXPECT_EQ(store_.node(node)->description.tls, hello.description.tls);
}

// ---- nodes that were removed

TEST_F(Identity, EveryNodeHearsWhichNodesWereRemovedIfItsBuildKnowsTheWord) {
  const NodeId newer = add_node(NodeState::unknown, 2), older = add_node();
  const NodeId gone = add_node(), gone_before = add_node();
  const auto remove = [&](NodeId node) {
    model::Cluster cluster = *store_.cluster();
    cluster.removed_nodes.push_back(node);
    apply({model::Remove::of<model::Node>(node), model::Put{cluster}});
  };
  remove(gone_before);
  start();
  say(1, newer, wire::Register{newer, store_.node(newer)->description});
  say(2, older, wire::Register{older, store_.node(older)->description});
  const auto complete = heard<wire::FeedUpdate>(1).at(0);
  ASSERT_EQ(complete.items.size(), 1U);
  EXPECT_EQ(std::get<wire::RemovedNode>(complete.items[0]).node, gone_before);
  EXPECT_TRUE(heard<wire::FeedUpdate>(2).at(0).items.empty());
  remove(gone);
  const auto update = heard<wire::FeedUpdate>(1).at(0);
  ASSERT_EQ(update.items.size(), 1U);
  EXPECT_EQ(std::get<wire::RemovedNode>(update.items[0]).node, gone);
  EXPECT_TRUE(heard<wire::FeedUpdate>(2).empty());
}

}  // namespace
}  // namespace swarm::dispatcher
