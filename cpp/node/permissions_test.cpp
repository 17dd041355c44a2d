#include "node/permissions.hpp"

#include <gtest/gtest.h>

namespace swarm::node {
namespace {

const ClusterId kOwn(1);

wire::Hello peer(ClusterId cluster, model::NodeRole role, std::uint64_t raft_id) {
  wire::Hello hello;
  hello.cluster = cluster;
  hello.node = NodeId(5);
  hello.role = role;
  hello.raft_id = raft_id;
  return hello;
}

const wire::Hello kStranger;
const wire::Hello kWorker = peer(kOwn, model::NodeRole::worker, 0);
const wire::Hello kManager = peer(kOwn, model::NodeRole::manager, 9);
const wire::Hello kForeignManager = peer(ClusterId(2), model::NodeRole::manager, 9);

TEST(Permissions, AStrangerMayAskToJoinAndNothingElse) {
  EXPECT_TRUE(may_send(kStranger, kOwn, wire::Message(wire::JoinRequest{})));
  EXPECT_FALSE(may_send(kStranger, kOwn, wire::Message(wire::Register{})));
  EXPECT_FALSE(may_send(kStranger, kOwn, wire::Message(wire::ApiForward{})));
  EXPECT_FALSE(may_send(kStranger, kOwn, raft::Message{}));
}

TEST(Permissions, AWorkerSpeaksAsAnAgentOnly) {
  EXPECT_TRUE(may_send(kWorker, kOwn, wire::Message(wire::Heartbeat{})));
  EXPECT_TRUE(may_send(kWorker, kOwn, wire::Message(wire::TaskReport{})));
  EXPECT_FALSE(may_send(kWorker, kOwn, wire::Message(wire::Assignments{})));
  EXPECT_TRUE(may_send(kWorker, kOwn, wire::Message(wire::MeshAck{})));
  EXPECT_FALSE(may_send(kWorker, kOwn, wire::Message(wire::MeshUpdate{})));
  EXPECT_FALSE(may_send(kWorker, kOwn, wire::Message(wire::ApiForward{})));
  EXPECT_FALSE(may_send(kWorker, kOwn, wire::Message(wire::SnapshotChunk{})));
  EXPECT_FALSE(may_send(kWorker, kOwn, raft::Message{}));
}

TEST(Permissions, AManagerOfThisSwarmMaySpeakForRaftAndAForeignOneMayNot) {
  EXPECT_TRUE(may_send(kManager, kOwn, raft::Message{}));
  EXPECT_TRUE(may_send(kManager, kOwn, wire::Message(wire::Assignments{})));
  EXPECT_FALSE(may_send(kForeignManager, kOwn, raft::Message{}));
  EXPECT_FALSE(may_send(kForeignManager, kOwn, wire::Message(wire::Register{})));
}

TEST(Permissions, OutsideAnySwarmNobodyIsAMember) {
  EXPECT_TRUE(may_send(kManager, ClusterId(), wire::Message(wire::JoinReply{})));
  EXPECT_FALSE(may_send(peer(ClusterId(), model::NodeRole::manager, 9), ClusterId(), raft::Message{}));
}

}  // namespace
}  // namespace swarm::node
