// A whole node among ports that write down what it did: what its parts want reaches the part or the port that
// it is for, and what comes of it comes back.
#include "node/node.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "node/test_effects.hpp"
#include "node/test_ports.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

struct Answered {
  std::uint32_t status = 0;
  std::string body;
  bool ended = false;
};

class NodeTest : public testing::Test {
 protected:
  class Replies final : public ports::ApiSink {
   public:
    void begin(ports::ApiId id, http::ResponseHead head) override { answers[id].status = head.status; }
    void piece(ports::ApiId id, std::string bytes) override { answers[id].body += bytes; }
    void end(ports::ApiId id) override { answers[id].ended = true; }
    void cut(ports::ApiId id) override { answers[id].ended = true; }
    std::map<ports::ApiId, Answered> answers;
  };

  NodeTest() { begin(); }
  void begin() {
    NodeOptions options;
    options.address = at(1);
    options.description.hostname = "m1";
    options.seed = 3;
    node_ = std::make_unique<Node>(
        std::move(options), ports::Ports{world_.clock, world_.transport, world_.disk, world_.runner,
                                         world_.mesh, world_.overlay, world_.crypto, replies_, world_.trace});
    ASSERT_TRUE(node_->start(now_).ok());
  }
  // Turns, with the disk's answers, until the node is quiet.
  void turn() {
    for (bool first = true; first || tell_disk(); first = false) node_->turn(now_);
  }
  bool tell_disk() {
    const auto tokens = world_.disk.take_tokens();
    for (const std::uint64_t token : tokens) node_->handle(ports::DiskDone{token});
    return !tokens.empty();
  }
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end; now_ = now_ + Duration::millis(20)) turn();
  }
  ports::ApiId send(const std::string& method, const std::string& target, const std::string& body = "") {
    http::Headers headers;
    if (!body.empty()) headers.emplace_back("content-type", "application/json");
    node_->handle(ports::ApiArrived{++last_, {method, target, headers, body}});
    turn();
    return last_;
  }
  Answered ask(const std::string& method, const std::string& target, const std::string& body = "") {
    const ports::ApiId id = send(method, target, body);
    pass(Duration::seconds(3));
    return replies_.answers[id];
  }
  void init() {
    const Answered answered = ask("POST", "/swarm/init", R"({"ListenAddr":"127.0.1.1:2377"})");
    ASSERT_EQ(answered.status, 200u) << answered.body;
    ASSERT_EQ(answered.body, "\"" + node_->inspect().id.str() + "\"\n");
  }

  TestWorld world_;
  Replies replies_;
  std::unique_ptr<Node> node_;
  Instant now_{1'000'000'000};
  ports::ApiId last_ = 0;
};

TEST_F(NodeTest, InitMakesALeaderWithAnAgentInSession) {
  init();
  const Inspection seen = node_->inspect();
  EXPECT_TRUE(seen.is_leader);
  EXPECT_EQ(seen.state, docker::SwarmState::active);
  ASSERT_NE(seen.worker, nullptr);
  EXPECT_TRUE(seen.worker->in_session());
  EXPECT_EQ(world_.transport.identity.raft_id, seen.raft_id) << "it says its name on every link";
}

TEST_F(NodeTest, AWriteIsAnsweredWhenItIsInTheStoreAndAReadAfterIt) {
  init();
  EXPECT_EQ(
      ask("POST", "/services/create", R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})")
          .status,
      201u);
  EXPECT_EQ(node_->inspect().store->services().size(), 1u);
  const Answered listed = ask("GET", "/services");
  EXPECT_EQ(listed.status, 200u);
  EXPECT_NE(listed.body.find("\"web\""), std::string::npos);
}

TEST_F(NodeTest, OperationsOfTheNodeAreAnswered) {
  init();
  const Answered added = ask("POST", "/swarmpy/v1/images", R"({"Reference":"mine:1","Command":["sh"]})");
  EXPECT_EQ(added.status, 201u) << added.body;
  const Answered moved = ask("POST", "/swarmpy/v1/raft/transfer");
  EXPECT_NE(moved.body.find("no other manager to hand leadership to"), std::string::npos) << moved.body;
}

TEST_F(NodeTest, ARequestThatWritesTooMuchIsRefusedAndTheNextIsTaken) {
  init();
  const auto create = [&](const std::string& name, std::size_t bytes) {
    return ask("POST", "/services/create",
               R"({"Name":")" + name + R"(","Labels":{"large":")" + std::string(bytes, 'x') +
                   R"("},"TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})");
  };
  const Answered refused = create("large", 1'600'000);
  EXPECT_EQ(refused.status, 400u);
  EXPECT_NE(refused.body.find("raft: raft message is too large and can't be sent"), std::string::npos)
      << refused.body;
  EXPECT_EQ(create("fits", 1'500'000).status, 201u);
  EXPECT_EQ(create("small", 1).status, 201u);
}

TEST_F(NodeTest, AMessageThatBreaksARuleClosesItsLinkAndSaysWhich) {
  init();
  const auto here = node_->inspect();
  // A link that claims to be this manager's own is the only one which the leader of a group of one hears.
  node_->handle(
      ports::LinkOpened{7, {here.cluster, here.id, model::NodeRole::manager, here.raft_id}, at(5), true});
  raft::Message message;
  message.type = raft::MessageType::heartbeat;
  message.from = message.to = here.raft_id;
  message.term = 1'000;
  node_->handle(ports::FrameArrived{7, message});
  turn();
  EXPECT_EQ(world_.transport.closed, std::vector<ports::LinkId>{7});
  ASSERT_EQ(world_.trace.of("warning.denied").size(), 1u);
  EXPECT_NE(world_.trace.of("warning.denied")[0].find("MsgHeartbeat from 127.0.1.5"), std::string::npos);
  EXPECT_NE(world_.trace.of("warning.denied")[0].find("its sender is no other member; the link is closed"),
            std::string::npos);
  EXPECT_TRUE(node_->inspect().is_leader);
}

TEST_F(NodeTest, AFrameThatTheTransportCannotReadIsSaidToo) {
  init();
  node_->handle(
      ports::LinkOpened{7, {node_->inspect().cluster, NodeId(5), model::NodeRole::manager, 6}, at(5), true});
  node_->handle(ports::LinkClosed{7, "bad frame: corrupt raft message: a request without an entry"});
  node_->handle(ports::LinkClosed{8, "bad frame: the first one is no hello"});  // of a stranger
  turn();
  ASSERT_EQ(world_.trace.of("warning.denied").size(), 1u);
  EXPECT_NE(
      world_.trace.of("warning.denied")[0].find("was refused: it breaks a rule: bad frame: corrupt raft "
                                                "message: a request without an entry; the link is closed"),
      std::string::npos);
}

// Both directions, at both ends: once each, and not faster than a line in ten seconds.
TEST_F(NodeTest, ACertificateThatIsRefusedIsSaidOnce) {
  init();
  const std::string refused = "the peer's certificate is of another root";
  for (ports::LinkId link = 7; link < 20; ++link)
    node_->handle(ports::LinkClosed{link, "127.0.1.5: " + refused});
  turn();
  ASSERT_EQ(world_.trace.of("warning.certificate").size(), 1u);
  EXPECT_EQ(world_.trace.of("warning.certificate")[0],
            "the certificate of 127.0.1.5 is refused: it is of another root");
  node_->handle(ports::LinkClosed{20, "127.0.1.6: refused: the peer's certificate has expired"});
  turn();
  EXPECT_EQ(world_.trace.of("warning.certificate").size(), 1u);
  pass(Duration::seconds(10));
  node_->handle(ports::LinkClosed{21, "127.0.1.6: refused: the peer's certificate has expired"});
  node_->handle(ports::LinkClosed{22, "127.0.1.7: wrong version number"});  // no matter of certificates
  turn();
  ASSERT_EQ(world_.trace.of("warning.certificate").size(), 2u);
  EXPECT_EQ(world_.trace.of("warning.certificate")[1],
            "127.0.1.6 refuses this node's certificate: it has expired (1 more since the last such line)");
}

TEST_F(NodeTest, LeavingLeavesNothingBehind) {
  init();
  EXPECT_EQ(ask("POST", "/swarm/leave?force=true").status, 200u);
  EXPECT_EQ(node_->inspect().state, docker::SwarmState::inactive);
  EXPECT_FALSE(node_->inspect().is_manager);
  EXPECT_FALSE(world_.disk.has_manager_state());
  init();
}

TEST_F(NodeTest, ANodeThatIsStartedAgainIsWhatItWas) {
  init();
  const NodeId id = node_->inspect().id;
  node_.reset();
  world_.disk.take_tokens();
  begin();
  pass(Duration::seconds(3));
  EXPECT_EQ(node_->inspect().id, id);
  EXPECT_TRUE(node_->inspect().is_leader);
  EXPECT_TRUE(node_->inspect().worker->in_session());
}

TEST_F(NodeTest, ARaftStateWithoutAnIdentityIsWiped) {
  ports::DiskBatch batch;
  batch.put(ports::Family::raft_state, "self", "1");
  world_.disk.commit(std::move(batch), 1);
  world_.disk.take_tokens();
  begin();
  EXPECT_FALSE(world_.disk.has_manager_state()) << "an init that a crash cut short";
}

TEST_F(NodeTest, AFrameThatIsDeniedClosesTheLinkOfItsSenderAndEveryPartHearsIt) {
  init();
  node_->handle(
      ports::LinkOpened{7, {node_->inspect().cluster, NodeId(5), model::NodeRole::worker, 0}, at(5), true});
  node_->handle(ports::FrameArrived{7, wire::Message(wire::LeaveRequest{1, NodeId(6)})});
  turn();
  EXPECT_EQ(world_.transport.closed, std::vector<ports::LinkId>{7});
  EXPECT_EQ(world_.trace.of("warning.denied").size(), 1u);
}

TEST_F(NodeTest, AStrangerThatAsksWithoutEndIsAnsweredAFewTimesAndLosesItsLink) {
  init();
  node_->handle(ports::LinkOpened{7, {}, at(5), true});
  for (std::uint64_t i = 0; i < 1'000; ++i)
    node_->handle(ports::FrameArrived{7, wire::Message(wire::RootRequest{i})});
  turn();
  EXPECT_EQ(world_.transport.take<wire::RootReply>().size(), 8u);
  EXPECT_EQ(world_.transport.closed, std::vector<ports::LinkId>{7});
  ASSERT_EQ(world_.trace.of("warning.denied").size(), 1u);
  EXPECT_EQ(world_.trace.of("warning.denied")[0],
            "RootRequest from 127.0.1.5:2377 was refused: it asks more often than any honest node does; the "
            "link is closed");
}

TEST_F(NodeTest, AWorkerThatAsksForCertificatesWithoutEndIsRefusedOnItsNextLinkToo) {
  init();
  const model::Principal worker{node_->inspect().cluster, NodeId(5), model::NodeRole::worker, 0};
  for (const ports::LinkId link : {7, 8}) {
    node_->handle(ports::LinkOpened{link, worker, at(5), true});
    for (std::uint64_t i = 0; i < 1'000; ++i)
      node_->handle(ports::FrameArrived{link, wire::Message(wire::CertificateRequest{i, "REQUEST"})});
    turn();
    EXPECT_EQ(world_.transport.take<wire::CertificateReply>().size(), link == 7 ? 20u : 0u);
  }
  EXPECT_EQ(world_.transport.closed, (std::vector<ports::LinkId>{7, 8}));
}

TEST_F(NodeTest, AWorkerThatSpeaksOfNoSessionWithoutEndLosesItsLink) {
  init();
  node_->handle(
      ports::LinkOpened{7, {node_->inspect().cluster, NodeId(5), model::NodeRole::worker, 0}, at(5), true});
  for (int i = 0; i < 1'000; ++i) node_->handle(ports::FrameArrived{7, wire::Message(wire::Heartbeat{99})});
  turn();
  EXPECT_EQ(world_.transport.take<wire::SessionRefused>().size(), 200u);
  EXPECT_EQ(world_.transport.closed, std::vector<ports::LinkId>{7});
  ASSERT_EQ(world_.trace.of("warning.denied").size(), 1u);
  EXPECT_NE(world_.trace.of("warning.denied")[0].find("A frame of no session from 127.0.1.5:2377 (worker "),
            std::string::npos);
}

TEST_F(NodeTest, AnOrderlyStopWaitsForTheDisk) {
  init();
  node_->shut_down(now_);
  turn();
  EXPECT_TRUE(node_->stopped());
}

}  // namespace
}  // namespace swarm::node
