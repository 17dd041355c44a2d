// A program on w1's machine, with w1's key or with none, says every message that there is to every manager:
// as w1, as a stranger, as w1 that claims a manager's Raft id, and with certificates that it made itself. The
// swarm stays as it is.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

class ForgedFrames : public testing::Test {
 protected:
  ForgedFrames() {
    worker.shown = swarm.certificate_of("w1");
    const auto m2 = swarm.world.node("m2").inspect();
    victim = m2.id;
    victim_raft = m2.raft_id;
  }

  // What the program shows and claims.
  struct Guise {
    std::optional<model::Certificate> shown;
    std::uint64_t raft_id = 0;
  };
  ports::LinkId open(const Guise& guise, const std::string& to) {
    Address address = swarm.world.address(to);
    address.port = model::kManagementPort;
    wire::Hello hello;
    hello.raft_id = guise.raft_id;
    return swarm.world.open_by_hand("w1", address, hello, guise.shown);
  }
  // Says `frame` to `to` on a link of its own.
  void forge(const Guise& guise, const std::string& to, ports::Frame frame) {
    swarm.world.wire_by_hand("w1").send(open(guise, to), std::move(frame));
  }
  void forge_everywhere(const Guise& guise, const ports::Frame& frame) {
    for (const auto* manager : {"m1", "m2", "m3"}) forge(guise, manager, frame);
    swarm.world.run_for(Duration::millis(20));
  }
  // Its certificate is w1's own, or one that it was given as a manager that it is no more.
  Guise claims(std::uint64_t raft_id, model::NodeRole role = model::NodeRole::worker) const {
    Guise guise = worker;
    guise.shown->role = role;
    guise.raft_id = raft_id;
    return guise;
  }
  const model::Node& stored(NodeId id) const {
    return *swarm.world.node(swarm.world.leader()).inspect().store->node(id);
  }
  std::uint64_t denied(const std::string& machine, const std::string& reason) const {
    const std::string text = swarm.world.counted(machine);
    const std::string series = "links_frames_denied_total{reason=\"" + reason + "\"} ";
    const auto at = text.find(series);
    EXPECT_NE(at, std::string::npos) << reason;
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + series.size()));
  }
  void expect_untouched() {
    const Swarm& now = swarm;
    const auto leader = now.world.node(now.world.leader()).inspect();
    EXPECT_EQ(leader.group->voters.size(), 3u);
    EXPECT_EQ(leader.raft->term(), term) << "nobody stood for election";
    EXPECT_EQ(leader.store->nodes().size(), 5u);
    EXPECT_EQ(stored(victim).role, model::NodeRole::manager);
    EXPECT_EQ(stored(victim).spec.desired_role, model::NodeRole::manager);
    for (const auto& [id, node] : leader.store->nodes())
      EXPECT_EQ(node->status.state, model::NodeState::ready) << node->description.hostname;
    swarm.settle();
  }

  Swarm swarm;
  Guise worker;
  NodeId victim;
  std::uint64_t victim_raft = 0;
  std::uint64_t term = swarm.world.node(swarm.world.leader()).inspect().raft->term();
};

TEST_F(ForgedFrames, AWorkersLeaveRequestForAManagerLeavesItAManager) {
  const std::string leader = swarm.world.leader();
  forge(worker, leader, wire::Message(wire::LeaveRequest{77, victim}));
  swarm.world.run_for(Duration::seconds(4));
  EXPECT_EQ(denied(leader, "subject"), 1u);
  expect_untouched();
}

TEST_F(ForgedFrames, AWorkerMayStillLeaveByItself) {
  forge(worker, swarm.world.leader(), wire::Message(wire::LeaveRequest{77, worker.shown->node}));
  EXPECT_TRUE(
      swarm.world.run_until([&] { return stored(worker.shown->node).status.state == model::NodeState::down; },
                            Duration::seconds(1)))
      << "else the others prove nothing";
}

template <class T>
wire::Message about(NodeId node) {
  T message;
  if constexpr (requires { message.node; }) message.node = node;
  return message;
}
template <std::size_t... kIndex>
std::vector<wire::Message> all_about(NodeId node, std::index_sequence<kIndex...>) {
  return {about<std::variant_alternative_t<kIndex, wire::Message>>(node)...};
}

TEST_F(ForgedFrames, NoMessageOfTheListDoesHarm) {
  Guise of_its_own_root = claims(victim_raft, model::NodeRole::manager);
  of_its_own_root.shown->issuer = "a root of its own";
  of_its_own_root.shown->node = victim;
  Guise foreign = worker;
  foreign.shown->cluster = ClusterId(99);
  Guise expired = claims(victim_raft, model::NodeRole::manager);
  expired.shown->not_after = WallTime{1};
  const Guise guises[] = {worker,
                          {},
                          foreign,
                          of_its_own_root,
                          expired,
                          claims(4711),
                          claims(4711, model::NodeRole::manager),
                          claims(victim_raft, model::NodeRole::manager)};
  for (const auto& message :
       all_about(victim, std::make_index_sequence<std::variant_size_v<wire::Message>>{}))
    for (const auto& guise : guises) forge_everywhere(guise, message);
  swarm.world.run_for(Duration::seconds(2));
  for (const auto* reason : {"stranger", "role", "unknown_manager", "subject", "direction"})
    EXPECT_GT(denied("m1", reason), 0u) << reason;
  expect_untouched();
}

TEST_F(ForgedFrames, RaftHearsMembersOnly) {
  for (const auto type : {raft::MessageType::app, raft::MessageType::vote, raft::MessageType::heartbeat,
                          raft::MessageType::timeout_now})
    for (const auto* to : {"m1", "m2", "m3"})
      for (const auto& guise : {worker, claims(victim_raft), claims(4711, model::NodeRole::manager),
                                claims(victim_raft, model::NodeRole::manager)}) {
        raft::Message message;
        message.type = type;
        message.term = term + 100;
        message.from = guise.raft_id != 0 ? guise.raft_id : victim_raft;
        message.to = swarm.world.node(to).inspect().raft_id;
        message.context = "CampaignTransfer";  // a vote that does not wait for the leader's silence
        forge(guise, to, message);
      }
  swarm.world.run_for(Duration::seconds(2));
  expect_untouched();
}

TEST_F(ForgedFrames, TheEndOfALinkThatBorrowedTheLeadersRaftIdIsNoNews) {
  const std::string leader = swarm.world.leader();
  const std::uint64_t id = swarm.world.node(leader).inspect().raft_id;
  ports::Transport& wire = swarm.world.wire_by_hand("w1");
  for (const auto* to : {"m1", "m2", "m3"}) {
    if (to == leader) continue;
    const ports::LinkId link = open(claims(id, model::NodeRole::manager), to);
    swarm.world.run_for(Duration::millis(5));
    wire.close(link);
    // Less than a heartbeat: that would name the leader again.
    const bool lost = swarm.world.run_until(
        [&] { return swarm.world.node(to).inspect().raft->leader() == 0; }, Duration::millis(5));
    EXPECT_FALSE(lost) << to << " thinks that the leader is lost";
  }
  expect_untouched();
}

TEST_F(ForgedFrames, AFloodOfThemIsCountedAndHasOneLineASecond) {
  const std::string leader = swarm.world.leader();
  const auto lines = [&] {
    std::vector<std::string> found;
    for (auto& line : swarm.world.take_trace())
      if (line.kind == "warning.denied") found.push_back(line.text);
    return found;
  };
  lines();
  for (int i = 0; i < 50; ++i) forge(worker, leader, wire::Message(wire::LeaveRequest{77, victim}));
  swarm.world.run_for(Duration::seconds(2));
  auto first = lines();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_NE(first[0].find("LeaveRequest from 127.0."), std::string::npos) << first[0];
  EXPECT_NE(
      first[0].find("(worker " + worker.shown->node.str() + ") was refused: it speaks for another node"),
      std::string::npos)
      << first[0];
  EXPECT_TRUE(first[0].ends_with("; the link is closed")) << first[0];
  EXPECT_EQ(denied(leader, "subject"), 50u);
  forge(worker, leader, wire::Message(wire::LeaveRequest{77, victim}));
  swarm.world.run_for(Duration::seconds(1));
  auto second = lines();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_TRUE(second[0].ends_with("(49 more since the last such line)")) << second[0];
}

TEST_F(ForgedFrames, WhoBreaksARuleLosesTheLinkAndWhoIsOfAnotherSwarmGetsNone) {
  // The second frame of a closed link goes nowhere.
  const std::string leader = swarm.world.leader();
  Guise foreign = worker;
  foreign.shown->cluster = ClusterId(99);
  ports::Transport& wire = swarm.world.wire_by_hand("w1");
  for (const auto& guise : {worker, foreign}) {
    const ports::LinkId link = open(guise, leader);
    for (int i = 0; i < 2; ++i) {
      wire.send(link, wire::Message(wire::LeaveRequest{77, victim}));
      swarm.world.run_for(Duration::millis(50));
    }
  }
  EXPECT_EQ(denied(leader, "subject"), 1u);
  EXPECT_EQ(denied(leader, "another_swarm"), 0u);
}

// Its certificate has not expired, and the manager's clock is right.
TEST_F(ForgedFrames, ANodeThatWasRemovedIsHeardNoMore) {
  World& world = swarm.world;
  const std::string leader = world.leader();
  const Guise gone{swarm.certificate_of("w2"), 0};
  world.crash("w2");
  const std::string node = "/nodes/" + gone.shown->node.str();
  ASSERT_EQ(world.ask(leader, del(node + "?force=1")).head.status, 200u);
  forge(gone, leader, wire::Message(wire::Heartbeat{1}));
  forge(gone, leader, wire::Message(wire::CertificateRequest{1, "a request"}));
  world.run_for(Duration::millis(50));
  EXPECT_EQ(denied(leader, "removed"), 2u);
}

// A daemon that was taken over speaks on its own links: w1's, to the leader that collects a service's output.
TEST_F(ForgedFrames, ANodeSpeaksForTheOutputOfItsOwnTasksOnly) {
  World& world = swarm.world;
  ASSERT_EQ(swarm.create("web", 5), 201u);
  swarm.settle();
  const std::string leader = world.leader();
  const CallId call = world.call(leader, get("/services/web/logs?stdout=1&follow=1"));
  world.run_for(Duration::millis(500));
  EXPECT_FALSE(world.take_body(call).empty()) << "the output of all five";

  const NodeId own = world.node("w1").inspect().id;
  wire::LogChunk chunk;
  chunk.stream = 1;  // the first that this leader opened
  TaskId mine;
  for (const auto& [id, task] : world.node(leader).inspect().store->tasks()) {
    if (task->node_id == own) mine = id;
    const std::string text = task->node_id == own ? "of w1" : "forged";
    chunk.lines.push_back({id, false, WallTime{1}, text});
    if (task->node_id != own) {
      chunk.finished.push_back(id);
      chunk.missing.push_back({id, "forged"});
    }
  }
  ASSERT_FALSE(mine.empty());
  for (ports::LinkId link = 1; link < 1'000; ++link)  // what is not w1's own link is not sent
    world.wire_by_hand("w1").send(link, wire::Message(chunk));
  world.run_for(Duration::millis(500));
  const std::string body = world.take_body(call);
  EXPECT_NE(body.find("of w1"), std::string::npos) << "else the rest proves nothing";
  EXPECT_EQ(body.find("forged"), std::string::npos) << body;
  EXPECT_FALSE(world.reply(call).ended) << "the tasks of the others are still followed";
}

}  // namespace
}  // namespace swarm::sim
