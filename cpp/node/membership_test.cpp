// The leader's side of join, leave, promote and demote: requests and time in; answers and changes of the
// group out.
#include "node/membership.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "control/join.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/replica.hpp"
#include "node/test_effects.hpp"
#include "node/test_leader.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

constexpr ports::LinkId kLink = 5;

class MembershipTest : public testing::Test {
 protected:
  template <class Reply>
  Reply answer() {
    const auto sent = leader_.world.transport.take<Reply>();
    EXPECT_EQ(sent.size(), 1u);
    EXPECT_TRUE(sent.empty() || sent.front().first == kLink);
    return sent.empty() ? Reply{} : sent.front().second;
  }
  template <class Reply>
  bool answered() {
    return !leader_.world.transport.take<Reply>().empty();
  }
  void hear(const wire::Message& message, std::uint64_t node = 0) {
    membership_.on_message({kLink, {ClusterId(9), NodeId(node), model::NodeRole::worker, 0}}, message);
  }
  // What was proposed is applied and settled, and the group changed, until nothing is left to do.
  void go_on() {
    do {
      for (const AppliedEntry& entry : leader_.go_on())
        if (entry.request != 0) membership_.settled(entry.request, entry.outcome);
    } while (membership_.run());
  }
  wire::JoinReply join(std::uint64_t request, const std::string& token) {
    hear(wire::JoinRequest{request, token, {}, model::Availability::active, "127.0.1.7:2377", "REQUEST"});
    go_on();
    return answer<wire::JoinReply>();
  }
  const raft::ConfState& group() const { return leader_.replica->group(); }
  // A manager-to-be asks for a place in the group, and can be reached.
  void ask_for_group(std::uint64_t node, std::uint64_t request, bool reachable = true) {
    hear(wire::RaftJoinRequest{request, NodeId(node), at(7)}, node);
    const Address address = at(7);
    if (reachable) membership_.on_link_opened(address);
    go_on();
  }
  // The member has all that the leader has.
  void acknowledge(std::uint64_t raft_id) {
    const raft::RawNode& leader = leader_.replica->raft();
    raft::Message message;
    message.type = raft::MessageType::app_resp;
    message.from = raft_id;
    message.to = leader_.replica->raft_id();
    message.term = leader.term();
    message.index = leader.last_index();
    EXPECT_FALSE(leader_.replica->step(std::move(message)));
  }

  // All members have what the leader has, and what that makes true is done.
  void agree() {
    for (int round = 0; round < 4; ++round) {
      for (const auto& [id, progress] : leader_.replica->raft().progress())
        if (id != leader_.replica->raft_id()) acknowledge(id);
      go_on();
    }
  }
  std::uint64_t add_voter(std::uint64_t node, std::uint64_t request) {
    leader_.put(leader_.node(node, model::NodeRole::manager));
    agree();
    ask_for_group(node, request);
    agree();
    return answer<wire::RaftJoinReply>().raft_id;
  }
  void demote(std::uint64_t node) {
    leader_.put(leader_.node(node, model::NodeRole::worker));
    agree();
    leader_.world.transport.sent.clear();
    membership_.on_role_intents({{NodeId(node)}});
    go_on();
  }
  void answer_heartbeat(std::uint64_t raft_id, const std::string& context) {
    raft::Message message;
    message.type = raft::MessageType::heartbeat_resp;
    message.from = raft_id;
    message.to = leader_.replica->raft_id();
    message.term = leader_.replica->raft().term();
    message.context = context;
    EXPECT_FALSE(leader_.replica->step(std::move(message)));
    go_on();
  }
  // What the leader's last heartbeat to a member asks it to say again.
  std::string question(std::uint64_t raft_id) {
    std::string context;
    for (const auto& [link, frame] : leader_.world.transport.sent)
      if (const auto* message = std::get_if<raft::Message>(&frame))
        if (message->type == raft::MessageType::heartbeat && message->to == raft_id)
          context = message->context;
    return context;
  }
  bool removes() const { return leader_.replica->raft().conf_change_pending(); }

  TestLeader leader_;
  Membership membership_{leader_.core, *leader_.replica};
};

TEST_F(MembershipTest, ATokenMakesANodeOfItsRole) {
  const auto worker = join(70, leader_.worker_token);
  EXPECT_FALSE(worker.error);
  EXPECT_EQ(worker.role, model::NodeRole::worker);
  EXPECT_EQ(worker.cluster, ClusterId(9));
  ASSERT_EQ(worker.managers.size(), 1u);
  EXPECT_TRUE(leader_.replica->store().node(worker.node));
  EXPECT_EQ(join(71, leader_.manager_token).role, model::NodeRole::manager);
}

TEST_F(MembershipTest, ARequestThatComesTwiceMakesOneNode) {
  const auto first = join(70, leader_.worker_token);
  EXPECT_EQ(join(70, leader_.worker_token).node, first.node);
  EXPECT_EQ(leader_.replica->store().nodes().size(), 2u);
  hear(wire::JoinRequest{72, leader_.worker_token, {}, {}, "", "REQUEST"});
  hear(wire::JoinRequest{72, leader_.worker_token, {}, {}, "", "REQUEST"});
  go_on();
  EXPECT_EQ(leader_.replica->store().nodes().size(), 3u) << "the second while the first was under way";
}

TEST_F(MembershipTest, AJoinerGetsTheCertificateOfTheNodeThatItBecomes) {
  const auto worker = join(70, leader_.worker_token);
  EXPECT_EQ(worker.certificate_pem, "NODE CERT");
  const auto issued = leader_.world.crypto.issued;
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->node, worker.node);
  EXPECT_EQ(issued->cluster, ClusterId(9));
  EXPECT_EQ(issued->role, model::NodeRole::worker);
  join(71, leader_.manager_token);
  EXPECT_EQ(leader_.world.crypto.issued->role, model::NodeRole::manager);
}

TEST_F(MembershipTest, ARequestThatCannotBeSignedMakesNoNode) {
  leader_.world.crypto.refuses = true;
  const auto reply = join(70, leader_.worker_token);
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.certificate_pem, "");
  EXPECT_EQ(leader_.replica->store().nodes().size(), 1u);
}

TEST_F(MembershipTest, WrongTokensAreNotComparedForEver) {
  const std::string wrong =
      control::make_join_token(leader_.world.crypto.sha256("CERT"), std::string(16, '?'));
  for (int i = 0; i < 10; ++i)
    EXPECT_NE(join(70, wrong).error->message.find("valid join token"), std::string::npos);
  EXPECT_NE(join(70, wrong).error->message.find("too many"), std::string::npos);
  EXPECT_FALSE(join(70, leader_.worker_token).error) << "wrong ones do not hinder a right one";
  EXPECT_NE(join(71, wrong).error->message.find("too many"), std::string::npos);
  leader_.core.now = leader_.core.now + Duration::seconds(1);
  EXPECT_NE(join(71, wrong).error->message.find("valid join token"), std::string::npos);
}

TEST_F(MembershipTest, ANodesNextCertificateSaysTheRoleThatItIsToHave) {
  const NodeId node = join(70, leader_.worker_token).node;
  const auto next = [&] {
    hear(wire::CertificateRequest{90, "REQUEST"}, 0);
    membership_.on_message({kLink, {ClusterId(9), node, model::NodeRole::worker, 0}},
                           wire::CertificateRequest{91, "REQUEST"});
    const auto sent = leader_.world.transport.take<wire::CertificateReply>();
    EXPECT_EQ(sent.size(), 2u);
    EXPECT_TRUE(sent.front().second.error) << "a node that is not in the swarm gets none";
    EXPECT_EQ(sent.back().second.certificate_pem, "NODE CERT");
    return leader_.world.crypto.issued->role;
  };
  EXPECT_EQ(next(), model::NodeRole::worker);
  model::Node promoted = *leader_.replica->store().node(node);
  promoted.spec.desired_role = model::NodeRole::manager;
  leader_.put(promoted);
  go_on();
  EXPECT_EQ(next(), model::NodeRole::manager);
}

// A manager that is behind compares it with its store's time of a demotion.
TEST_F(MembershipTest, ANodesNextCertificateIsNoOlderThanTheLog) {
  const NodeId node = join(70, leader_.worker_token).node;
  const WallTime right = std::exchange(leader_.world.clock.wall_now, WallTime{41'500'000'000});
  model::Node next = *leader_.replica->store().node(node);
  next.spec.annotations.labels["a"] = "b";
  leader_.put(next);
  leader_.world.clock.wall_now = right;
  const WallTime changed = leader_.replica->store().node(node)->meta.updated_at;
  membership_.on_message({kLink, {ClusterId(9), node, model::NodeRole::worker, 0}},
                         wire::CertificateRequest{91, "REQUEST"});
  EXPECT_GT(leader_.world.crypto.issued->not_before + ca::kBackdate + Duration::seconds(1), changed);
}

TEST_F(MembershipTest, AWrongSecretIsRefused) {
  const auto reply =
      join(70, control::make_join_token(leader_.world.crypto.sha256("CERT"), std::string(16, '?')));
  ASSERT_TRUE(reply.error);
  EXPECT_NE(reply.error->message.find("valid join token"), std::string::npos);
  EXPECT_TRUE(reply.node.empty());
}

TEST_F(MembershipTest, OnlyANodeThatIsToBeAManagerEntersTheGroup) {
  leader_.put(leader_.node(7, model::NodeRole::worker));
  ask_for_group(7, 80);
  ASSERT_TRUE(answer<wire::RaftJoinReply>().error);
  EXPECT_TRUE(group().learners.empty());
}

TEST_F(MembershipTest, AManagerToBeEntersAsALearnerWhenItCanBeReached) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80, false);
  EXPECT_FALSE(answered<wire::RaftJoinReply>());
  EXPECT_EQ(leader_.world.transport.dialled, std::vector<Address>{at(7)});
  membership_.on_link_opened(at(7));
  go_on();
  const auto reply = answer<wire::RaftJoinReply>();
  EXPECT_FALSE(reply.error);
  EXPECT_EQ(group().learners, std::vector<std::uint64_t>{reply.raft_id});
  EXPECT_EQ(reply.members.size(), 2u);
  EXPECT_EQ(group().voters, std::vector<std::uint64_t>{1}) << "no vote before it has caught up";
  ask_for_group(7, 80);
  EXPECT_EQ(answer<wire::RaftJoinReply>().raft_id, reply.raft_id) << "the same request, the same id";
}

TEST_F(MembershipTest, ALearnerThatFellSilentGetsNoVoteUntilItAnswersAgain) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80);
  const std::uint64_t raft_id = answer<wire::RaftJoinReply>().raft_id;
  acknowledge(raft_id);
  for (int i = 0; i < 100; ++i) {
    leader_.core.now = leader_.core.now + model::kRaftTick;
    leader_.replica->on_deadline();
  }
  go_on();
  EXPECT_EQ(group().learners, std::vector<std::uint64_t>{raft_id});
  acknowledge(raft_id);
  go_on();
  EXPECT_TRUE(group().learners.empty());
  EXPECT_TRUE(leader_.replica->voters().contains(raft_id));
}

TEST_F(MembershipTest, ANodeThatIsNeverReachedIsRefusedAfterFiveSeconds) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80, false);
  for (int i = 0; i < 50; ++i) {
    leader_.core.now = leader_.core.now + Duration::millis(100);
    membership_.on_deadline();
  }
  const auto reply = answer<wire::RaftJoinReply>();
  ASSERT_TRUE(reply.error);
  EXPECT_NE(reply.error->message.find("could not connect to prospective new cluster member"),
            std::string::npos);
  membership_.on_deadline();
  EXPECT_EQ(membership_.next_deadline(), Instant::never());
}

TEST_F(MembershipTest, ALinkThatClosesMakesAJoinerUnreachableAgain) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  hear(wire::RaftJoinRequest{80, NodeId(7), at(7)}, 7);
  membership_.on_link_opened(at(7));
  membership_.on_link_gone({kLink, {{}, at(8), true}, {}});
  membership_.on_link_gone({kLink, {{}, at(7), true}, {}});
  go_on();
  EXPECT_TRUE(group().learners.empty());
}

TEST_F(MembershipTest, AMemberThatBeganAnewReplacesItsPastLife) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80);
  const std::uint64_t first = answer<wire::RaftJoinReply>().raft_id;
  ask_for_group(7, 81);
  const std::uint64_t second = answer<wire::RaftJoinReply>().raft_id;
  EXPECT_NE(first, second);
  EXPECT_TRUE(leader_.replica->was_removed(first));
  EXPECT_EQ(group().learners, std::vector<std::uint64_t>{second});
  ask_for_group(7, 80);
  EXPECT_TRUE(answer<wire::RaftJoinReply>().error) << "an id that was removed never comes back";
}

TEST_F(MembershipTest, ALeaverIsTheSenderWhateverTheMessageSays) {
  leader_.put(leader_.node(7, model::NodeRole::worker));
  leader_.put(leader_.node(8, model::NodeRole::worker));
  hear(wire::LeaveRequest{90, NodeId(8)}, 7);
  go_on();
  EXPECT_EQ(answer<wire::LeaveReply>().request, 90u);
  EXPECT_EQ(leader_.replica->store().node(NodeId(7))->status.state, model::NodeState::down);
  EXPECT_EQ(leader_.replica->store().node(NodeId(8))->status.state, model::NodeState::ready);
}

TEST_F(MembershipTest, ALeavingManagerLeavesTheGroup) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80);
  const std::uint64_t raft_id = answer<wire::RaftJoinReply>().raft_id;
  hear(wire::LeaveRequest{90, NodeId(7)}, 7);
  go_on();
  EXPECT_TRUE(leader_.replica->was_removed(raft_id));
  EXPECT_TRUE(group().learners.empty());
  EXPECT_EQ(leader_.replica->store().node(NodeId(7))->role, model::NodeRole::worker);
}

TEST_F(MembershipTest, ANodeThatIsGoneAlreadyMayLeave) {
  hear(wire::LeaveRequest{90, NodeId(7)}, 7);
  EXPECT_EQ(answer<wire::LeaveReply>().request, 90u);
}

TEST_F(MembershipTest, ADemotedMemberGoesUnlessItIsWantedAgain) {
  leader_.put(leader_.node(7, model::NodeRole::manager));
  ask_for_group(7, 80);
  const std::uint64_t raft_id = answer<wire::RaftJoinReply>().raft_id;
  membership_.on_role_intents({{NodeId(7)}});
  go_on();
  EXPECT_FALSE(leader_.replica->was_removed(raft_id)) << "its spec says manager";
  leader_.put(leader_.node(7, model::NodeRole::worker));
  membership_.on_role_intents({{NodeId(7)}});
  go_on();
  EXPECT_TRUE(leader_.replica->was_removed(raft_id));
}

// Seed 2055: the leader had stood still, and the word that it took for life was of one that had died
// meanwhile.
TEST_F(MembershipTest, AWordThatWasOnItsWayIsNoSignThatAMemberThatStaysLives) {
  const std::uint64_t stays = add_voter(7, 80);
  add_voter(8, 81);
  ASSERT_EQ(group().voters.size(), 3u);
  demote(8);
  leader_.core.now = leader_.core.now + Duration::millis(10);
  answer_heartbeat(stays, "");
  EXPECT_FALSE(removes());
  const std::string asked = question(stays);
  leader_.core.now = leader_.core.now + Duration::seconds(3);
  answer_heartbeat(stays, asked);
  EXPECT_FALSE(removes()) << "it was asked long ago";
}

TEST_F(MembershipTest, AVoterGoesAsSoonAsOneThatStaysHasAnswered) {
  const std::uint64_t stays = add_voter(7, 80);
  add_voter(8, 81);
  demote(8);
  EXPECT_FALSE(removes());
  leader_.core.now = leader_.core.now + Duration::millis(10);
  answer_heartbeat(stays, question(stays));
  EXPECT_TRUE(removes());
}

TEST_F(MembershipTest, TheLastManagerIsNeverRemoved) {
  leader_.put(leader_.node(1, model::NodeRole::worker));
  membership_.on_role_intents({{NodeId(1)}});
  go_on();
  EXPECT_EQ(group().voters, std::vector<std::uint64_t>{1});
}

TEST_F(MembershipTest, OutcomesOfOthersAreNotItsOwn) {
  EXPECT_FALSE(membership_.settled(1, model::Outcome{true, 5, ""}));
}

}  // namespace
}  // namespace swarm::node
