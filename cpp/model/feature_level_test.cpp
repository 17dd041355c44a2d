#include "model/feature_level.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "base/id.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"

namespace swarm::model {
namespace {

Transaction of(std::initializer_list<Action> actions) {
  Transaction transaction;
  transaction.actions = actions;
  return transaction;
}

const Build kKeysAreNew{2, {{KeyValue::kKind, 2}}};

TEST(FeatureLevel, WhatThisBuildWritesNeedsNoMoreThanItKnows) {
  Network ingress;
  ingress.ingress = true;
  const Transaction everything = of({Put{Cluster{}}, Put{Node{}}, Put{Service{}}, Put{Task{}}, Put{ingress},
                                     Remove::of<Node>(NodeId(1)), TaskStep{}, NodeStep{}, WriteKey{}});
  EXPECT_EQ(needed_level(Build{}, everything), kFirstLevel);
  EXPECT_LE(needed_level(Build{}, everything), kFeatureLevel);
}

TEST(FeatureLevel, SomeValuesAreNewerThanTheirKinds) {
  Node node;
  node.description.tls.emplace();
  NodeStep step;
  step.description = node.description;
  EXPECT_EQ(needed_level(Build{}, of({Put{node}})), kTlsInfoSince);
  EXPECT_EQ(needed_level(Build{}, of({step})), kTlsInfoSince);
  Service service;
  service.virtual_ips.emplace_back();
  TaskStep attached;
  attached.attachments.emplace_back();
  EXPECT_EQ(needed_level(Build{}, of({Put{Network{}}})), kNetworksSince) << "one that a user makes";
  EXPECT_EQ(needed_level(Build{}, of({Put{service}})), kNetworksSince);
  EXPECT_EQ(needed_level(Build{}, of({attached})), kNetworksSince);
  Cluster cluster;
  cluster.root_ca.rotation.emplace();
  EXPECT_EQ(needed_level(Build{}, of({Put{cluster}})), kRootRotationSince);
  cluster.root_ca.rotation.reset();
  cluster.root_ca.id = "a root that was rotated to";
  EXPECT_EQ(needed_level(Build{}, of({Put{cluster}})), kRootRotationSince);
}

TEST(FeatureLevel, TheNewestOfItsActionsCounts) {
  EXPECT_EQ(needed_level(kKeysAreNew, of({Put{Node{}}})), 1U);
  EXPECT_EQ(needed_level(kKeysAreNew, of({WriteKey{}})), 2U);
  EXPECT_EQ(needed_level(kKeysAreNew, of({Put{Node{}}, WriteKey{}, TaskStep{}})), 2U);
}

TEST(FeatureLevel, ARemovalNeedsWhatItsKindNeeds) {
  const Build build{3, {{Network::kKind, 3}}};
  EXPECT_EQ(needed_level(build, of({Remove::of<Network>(NetworkId(1))})), 3U);
  EXPECT_EQ(needed_level(build, of({Put{Network{}}})), 3U);
  EXPECT_EQ(needed_level(build, of({Remove::of<Service>(ServiceId(1))})), 1U);
}

}  // namespace
}  // namespace swarm::model
