// This node's way in and out of a swarm: wishes, replies, facts and time in; effects out.
#include "node/lifecycle.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "control/join.hpp"
#include "docker/api.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/test_effects.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"
#include "ports/refusal.hpp"
#include "ports/test_ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

using docker::SwarmState;
using model::NodeRole;

constexpr ports::ApiId kRequest = 7;
constexpr ports::LinkId kLink = 40;
constexpr Duration kLife = Duration::seconds(100'000);

class LifecycleTest : public testing::Test {
 protected:
  LifecycleTest() {
    options_.address = at(1);
    options_.description.hostname = "m1";
    at_.now = Instant{1'000'000};
    at_.wall = WallTime{5};
  }

  std::vector<Effect> took() { return take(lifecycle_); }
  std::vector<Effect> run() {
    lifecycle_.run(at_);
    return took();
  }
  std::vector<Effect> after(Duration time) {
    at_.now = at_.now + time;
    lifecycle_.on_deadline(at_);
    return took();
  }
  std::vector<Effect> hear(const wire::Message& message) {
    lifecycle_.on_message({kLink, {}}, message, at_);
    return took();
  }
  std::vector<Effect> facts(NodeRole role, std::uint64_t version = 0, bool ready = false,
                            std::vector<wire::ManagerPeer> managers = {}) {
    lifecycle_.on_session_facts({role, std::move(managers), version, ready}, at_);
    return took();
  }
  std::vector<Effect> listening(const Result<void>& result = {}) {
    lifecycle_.on_listening(result, at_);
    return took();
  }
  std::vector<Effect> stored(const std::vector<Effect>& effects) {
    for (const auto& store : all<effect::Store>(effects))
      if (const auto* waits = std::get_if<IdentityStored>(&store.waits)) lifecycle_.on_stored(*waits, at_);
    return took();
  }
  static std::string outcome(const std::vector<Effect>& effects) {
    const auto done = only<effect::OperationDone>(effects);
    EXPECT_EQ(done.id, kRequest);
    return done.result ? "done" : done.result.error().message;
  }
  template <class S>
  bool in() const {
    return std::holds_alternative<S>(lifecycle_.stage());
  }
  template <class W>
  bool on_way() const {
    return std::holds_alternative<W>(lifecycle_.way());
  }

  // ---- whole stories
  std::vector<Effect> init() {
    lifecycle_.init(kRequest, {"127.0.1.1:2377", "", "", false, {}, {}, {}, 24, 4789});
    return took();
  }
  docker::SwarmJoin wish() {
    docker::SwarmJoin wish;
    wish.listen_addr = "127.0.1.1:2377";
    wish.remote_addrs = {"127.0.1.8:2377", "127.0.1.9:2377"};
    wish.token = control::make_join_token(crypto_.sha256("CERT"), std::string(16, 'x'));
    return wish;
  }
  std::vector<Effect> join() {
    lifecycle_.join(kRequest, wish(), at_);
    auto effects = took();
    lifecycle_.on_asked(kLink);
    request_ = std::get<wire::RootRequest>(only<effect::AskToJoin>(effects).request).request;
    return effects;
  }
  // The root is the token's: the request itself goes out.
  std::vector<Effect> trust() {
    auto effects = hear(wire::RootReply{request_, "CERT"});
    lifecycle_.on_asked(kLink);
    return effects;
  }
  wire::JoinReply accepted(NodeRole role) {
    wire::JoinReply reply;
    reply.request = request_;
    reply.cluster = ClusterId(1);
    reply.node = NodeId(2);
    reply.role = role;
    reply.root_cert_pem = "CERT";
    reply.managers = managers_;
    reply.certificate_pem = certificate(role);
    return reply;
  }
  // One of this node's, as the leader makes it.
  std::string certificate(NodeRole role) {
    return *crypto_.issue({}, "", {NodeId(2), role, ClusterId(1), at_.wall, at_.wall + kLife, "CERT", {}});
  }
  void be_worker() {
    join();
    trust();
    stored(hear(accepted(NodeRole::worker)));
    at_.in_session = true;
    facts(NodeRole::worker, 1, true);
    run();
    ASSERT_TRUE(in<stage::Member>());
  }
  // A worker that hears that it is to be a manager; the certificate comes.
  std::vector<Effect> promote() {
    const auto asked = sent_to<wire::CertificateRequest>(facts(NodeRole::manager, 1, true));
    EXPECT_EQ(asked.size(), 2u) << "of all managers that it knows";
    return hear(wire::CertificateReply{asked.front().second.request, {}, {}, certificate(NodeRole::manager)});
  }
  std::uint64_t ask_for_group() {  // the number of the request
    const bool certified = lifecycle_.certified().role == NodeRole::manager;
    EXPECT_EQ(only<effect::Listen>(certified ? facts(NodeRole::manager, 1, true) : promote()).address, at(1));
    const auto asked = sent_to<wire::RaftJoinRequest>(listening());
    EXPECT_EQ(asked.size(), 2u) << "of all managers that it knows";
    return asked.front().second.request;
  }
  void be_manager() {
    be_worker();
    const std::uint64_t request = ask_for_group();
    const auto effects = hear(wire::RaftJoinReply{request, {}, {}, 33, managers_});
    at_.is_manager = true;
    at_.raft_id = 33;
    at_.version = 10;
    stored(effects);
  }

  NodeOptions options_;
  std::optional<Identity> identity_;
  Rng rng_{3};
  ports::TestCrypto crypto_;
  Lifecycle lifecycle_{options_, identity_, rng_, crypto_};
  Surroundings at_;
  std::uint64_t request_ = 0;
  std::vector<wire::ManagerPeer> managers_{{NodeId(8), 8, at(8)}, {NodeId(9), 9, at(9)}};
};

// ---- init

TEST_F(LifecycleTest, InitListensFirstAndIsRefusedWhereTheAddressIsTaken) {
  EXPECT_TRUE((are<effect::Listen>(init())));
  EXPECT_EQ(lifecycle_.state(), SwarmState::pending);
  EXPECT_EQ(outcome(listening(plain_error(Code::unavailable, "in use"))), "in use");
  EXPECT_EQ(lifecycle_.state(), SwarmState::inactive);
  EXPECT_FALSE(identity_);
}

TEST_F(LifecycleTest, InitWritesTheLogBeforeTheIdentityThatNamesIt) {
  init();
  const auto effects = listening();
  EXPECT_TRUE(
      (are<effect::SetCredentials, effect::SayHello, effect::CreateReplica, effect::Store, effect::Store>(
          effects)));
  EXPECT_EQ(identity_->certificate_pem, "NODE CERT");
  EXPECT_EQ(crypto_.issued->role, NodeRole::manager);
  EXPECT_EQ(only<effect::CreateReplica>(effects).self.raft_id, identity_->raft_id);
  EXPECT_EQ(identity_->role, NodeRole::manager);
  EXPECT_TRUE((are<effect::StartAgent>(stored(effects))));
}

TEST_F(LifecycleTest, InitIsAnsweredWhenTheNodeIsReadyAndQuiet) {
  init();
  listening();
  EXPECT_TRUE(run().empty()) << "nothing leads yet";
  at_.leads = at_.in_session = true;
  EXPECT_TRUE(run().empty()) << "its object is not quiet";
  at_.is_settled = true;
  EXPECT_EQ(outcome(run()), "done");
  EXPECT_TRUE(in<stage::Member>());
  EXPECT_EQ(lifecycle_.state(), SwarmState::active);
}

TEST_F(LifecycleTest, InitIsAnsweredInTheEndByASwarmThatDoesNotComeToRest) {
  init();
  listening();
  at_.leads = at_.in_session = true;
  run();
  EXPECT_EQ(lifecycle_.next_deadline(), at_.now + Duration::seconds(5));
  after(Duration::seconds(4));
  at_.leads = false;
  run();
  EXPECT_GT(lifecycle_.next_deadline(), at_.now + Duration::seconds(30))
      << "leadership was lost: patience begins anew";
  at_.leads = true;
  EXPECT_TRUE(run().empty());
  after(Duration::seconds(5));
  EXPECT_EQ(outcome(run()), "done");
}

TEST_F(LifecycleTest, NeitherInitNorJoinBeginsOnTheWayIntoASwarm) {
  init();
  lifecycle_.join(kRequest, wish(), at_);
  EXPECT_NE(outcome(took()).find("on its way into one"), std::string::npos);
  lifecycle_.init(kRequest, {});
  EXPECT_NE(outcome(took()).find("on its way into one"), std::string::npos);
}

// ---- join

TEST_F(LifecycleTest, JoinAsksOneManagerAfterTheOther) {
  EXPECT_EQ(only<effect::AskToJoin>(join()).address, at(8));
  EXPECT_EQ(only<effect::AskToJoin>(after(Duration::millis(500))).address, at(8))
      << "the same, while it lives";
  lifecycle_.on_asked(kLink);
  lifecycle_.on_link_gone({kLink, {}, {at_.now, {}}});
  EXPECT_EQ(only<effect::AskToJoin>(after(Duration::millis(500))).address, at(9));
}

TEST_F(LifecycleTest, JoinFollowsTheWayToTheLeader) {
  join();
  trust();
  wire::JoinReply reply;
  reply.request = request_;
  reply.leader = at(5);
  EXPECT_EQ(only<effect::AskToJoin>(hear(reply)).address, at(5));
}

TEST_F(LifecycleTest, AReplyToAnotherRequestIsNoReply) {
  join();
  trust();
  wire::JoinReply reply = accepted(NodeRole::worker);
  ++reply.request;
  EXPECT_TRUE(hear(reply).empty());
  EXPECT_FALSE(identity_);
}

TEST_F(LifecycleTest, JoinGivesItsTokenToAManagerOfTheTokensRootOnly) {
  EXPECT_TRUE(std::holds_alternative<wire::RootRequest>(only<effect::AskToJoin>(join()).request));
  EXPECT_TRUE(hear(accepted(NodeRole::worker)).empty()) << "nobody is believed yet";
  const auto effects = trust();
  EXPECT_TRUE((are<effect::SetCredentials, effect::CloseLinks, effect::AskToJoin>(effects)))
      << "the link on which it believed nobody goes";
  EXPECT_EQ(only<effect::SetCredentials>(effects).credentials, (ports::Credentials{{}, {}, "CERT", {}}));
  const auto request = std::get<wire::JoinRequest>(only<effect::AskToJoin>(effects).request);
  EXPECT_EQ(request.token, wish().token);
  EXPECT_EQ(request.certificate_request_pem, "REQUEST");
}

TEST_F(LifecycleTest, JoinBelievesNoManagerWhoseRootIsNotTheTokens) {
  join();
  const auto effects = hear(wire::RootReply{request_, "another"});
  EXPECT_NE(outcome(effects).find("remote CA does not match fingerprint"), std::string::npos);
  EXPECT_TRUE((are<effect::CloseLinks, effect::SetCredentials, effect::OperationDone>(effects)));
  EXPECT_TRUE(in<stage::Outside>());
  EXPECT_NE(lifecycle_.error().find("fingerprint"), std::string::npos);
}

TEST_F(LifecycleTest, JoinTakesNoCertificateOfAnotherNode) {
  join();
  trust();
  wire::JoinReply reply = accepted(NodeRole::worker);
  reply.node = NodeId(3);
  EXPECT_NE(outcome(hear(reply)).find("no certificate of this node"), std::string::npos);
  EXPECT_FALSE(identity_);
}

TEST_F(LifecycleTest, JoinGivesUpWhereNoManagerCanBeDialled) {
  join();
  lifecycle_.on_asked(0);
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE((are<effect::AskToJoin>(after(Duration::millis(500)))));
    lifecycle_.on_asked(0);
  }
  EXPECT_NE(outcome(after(Duration::millis(500))).find("no manager answers at 127.0.1.8:2377"),
            std::string::npos);
}

TEST_F(LifecycleTest, ASlowJoinIsAnsweredAfterTwentySecondsAndGoesOn) {
  join();
  for (int i = 0; i < 39; ++i) after(Duration::millis(500));
  const auto effects = after(Duration::millis(500));
  EXPECT_NE(outcome(effects).find("Timeout was reached before node joined"), std::string::npos);
  EXPECT_TRUE(has<effect::AskToJoin>(effects));
  EXPECT_EQ(lifecycle_.state(), SwarmState::pending);
  trust();
  stored(hear(accepted(NodeRole::worker)));
  at_.in_session = true;
  facts(NodeRole::worker, 1, true);
  EXPECT_TRUE(run().empty()) << "answered already";
  EXPECT_EQ(lifecycle_.state(), SwarmState::active);
}

TEST_F(LifecycleTest, AWorkerHasJoinedWhenItsSessionSaysThatItIsReady) {
  join();
  trust();
  const auto effects = hear(accepted(NodeRole::worker));
  EXPECT_TRUE(
      (are<effect::CloseLinks, effect::SetCredentials, effect::SayHello, effect::Store, effect::Store>(
          effects)))
      << "links open with its name";
  EXPECT_TRUE((are<effect::StartAgent>(stored(effects))));
  EXPECT_EQ(identity_->node, NodeId(2));
  EXPECT_TRUE(run().empty());
  at_.in_session = true;
  EXPECT_TRUE(run().empty());
  facts(NodeRole::worker, 1, true);
  EXPECT_EQ(outcome(run()), "done");
}

TEST_F(LifecycleTest, AManagerHasJoinedWhenItVotesAndItsObjectIsQuiet) {
  join();
  trust();
  stored(hear(accepted(NodeRole::manager)));
  at_.in_session = true;
  const std::uint64_t request = ask_for_group();
  hear(wire::RaftJoinReply{request, {}, {}, 33, managers_});
  at_.is_manager = true;
  EXPECT_TRUE(run().empty()) << "it does not vote yet";
  at_.knows_leader = at_.votes = at_.is_settled = true;
  EXPECT_TRUE(run().empty()) << "the session that said ready ended with the worker's links";
  at_.raft_id = 33;
  facts(NodeRole::manager, 1, true, {{NodeId(2), 33, at(1)}});
  EXPECT_EQ(outcome(run()), "done");
}

// ---- the role

TEST_F(LifecycleTest, APromotedWorkerListensAsksAndBeginsWhenItsIdentityIsOnDisk) {
  be_worker();
  const std::uint64_t request = ask_for_group();
  const auto leader = sent_to<wire::RaftJoinRequest>(hear(wire::RaftJoinReply{request, {}, at(9), 0, {}}));
  ASSERT_EQ(leader.size(), 1u);
  EXPECT_EQ(leader.front().first, at(9)) << "the leader, as a follower said";
  EXPECT_EQ(sent_to<wire::RaftJoinRequest>(after(Duration::millis(500))).size(), 2u) << "all again";
  const auto effects = hear(wire::RaftJoinReply{request, {}, {}, 33, managers_});
  EXPECT_TRUE((are<effect::SayHello, effect::CloseLinks, effect::JoinReplica, effect::Store>(effects)));
  EXPECT_EQ(identity_->raft_id, 33u);
  at_.is_manager = true;
  at_.raft_id = 33;
  EXPECT_TRUE((are<effect::BeginReplica>(stored(effects))));
}

TEST_F(LifecycleTest, AReplicaThatTookItsPlaceMeanwhileDoesNotBeginForAnother) {
  be_worker();
  const auto effects = hear(wire::RaftJoinReply{ask_for_group(), {}, {}, 33, managers_});
  at_.is_manager = true;
  at_.raft_id = 34;
  EXPECT_TRUE(stored(effects).empty());
}

TEST_F(LifecycleTest, ARefusedPromotionIsTriedAgainAndSaysWhy) {
  be_worker();
  const auto effects =
      hear(wire::RaftJoinReply{ask_for_group(), plain_error(Code::unavailable, "not now"), {}, 0, {}});
  EXPECT_TRUE((are<effect::StopListening>(effects)));
  EXPECT_EQ(lifecycle_.error(), "not now");
  EXPECT_TRUE(on_way<way::Refused>());
  EXPECT_TRUE(after(Duration::millis(999)).empty());
  EXPECT_TRUE((are<effect::Listen>(after(Duration::millis(1)))));
  listening(plain_error(Code::unavailable, "in use"));
  EXPECT_EQ(lifecycle_.error(), "in use");
  EXPECT_TRUE((are<effect::Listen>(after(Duration::seconds(1)))));
}

TEST_F(LifecycleTest, AWorkerThatIsToStayOneStopsListening) {
  be_worker();
  ask_for_group();
  const auto effects = facts(NodeRole::worker, 2, true);
  EXPECT_TRUE((are<effect::SendTo, effect::SendTo, effect::StopListening>(effects)));
  EXPECT_EQ(sent_to<wire::CertificateRequest>(effects).size(), 2u) << "and shows a worker's certificate";
  EXPECT_TRUE(on_way<way::AtRest>());
  EXPECT_EQ(lifecycle_.error(), "");
}

TEST_F(LifecycleTest, ARefusedManagerThatWasJustJoiningForgetsTheSwarm) {
  join();
  trust();
  stored(hear(accepted(NodeRole::manager)));
  at_.in_session = true;
  hear(wire::RaftJoinReply{ask_for_group(), plain_error(Code::unavailable, "unreachable"), {}, 0, {}});
  EXPECT_TRUE((are<effect::DrainAgent>(run()))) << "its session has begun: it may run tasks already";
  at_.idle = false;
  EXPECT_TRUE(run().empty());
  at_.idle = true;
  const auto effects = run();
  EXPECT_EQ(outcome(effects), "unreachable");
  EXPECT_TRUE(has<effect::WipeAll>(effects));
  EXPECT_FALSE(identity_);
  EXPECT_EQ(lifecycle_.state(), SwarmState::inactive);
}

TEST_F(LifecycleTest, ADemotedManagerNamesItselfAWorkerBeforeItsReplicaIsWiped) {
  be_manager();
  const auto effects = facts(NodeRole::worker, 10, true);
  EXPECT_TRUE(
      (are<effect::StopReplica, effect::StopListening, effect::CloseLinks, effect::SayHello, effect::Store>(
          effects)));
  EXPECT_EQ(identity_->raft_id, 0u);
  EXPECT_TRUE(facts(NodeRole::worker, 11, true).empty()) << "the replica goes at the end of the round, once";
  at_.is_manager = false;
  EXPECT_TRUE(facts(NodeRole::manager, 11, true).empty()) << "no way back in until the past is gone";
  EXPECT_TRUE((are<effect::WipeReplica, effect::Listen>(stored(effects))));
}

// ---- certificates

TEST_F(LifecycleTest, APromotedWorkerShowsAManagersCertificateFirst) {
  be_worker();
  const auto effects = promote();
  EXPECT_TRUE((are<effect::SetCredentials, effect::Store, effect::CloseLinks, effect::Listen>(effects)));
  EXPECT_EQ(lifecycle_.certified().role, NodeRole::manager);
  EXPECT_TRUE(std::holds_alternative<CertificateStored>(only<effect::Store>(effects).waits))
      << "what it says of its certificate waits for the disk";
}

TEST_F(LifecycleTest, ADemotedManagersNextCertificateIsAWorkers) {
  be_manager();
  const auto effects = facts(NodeRole::worker, 10, true);
  at_.is_manager = false;
  stored(effects);
  const auto asked = sent_to<wire::CertificateRequest>(facts(NodeRole::worker, 11, true));
  ASSERT_EQ(asked.size(), 2u);
  const auto reply =
      wire::CertificateReply{asked.front().second.request, {}, {}, certificate(NodeRole::worker)};
  EXPECT_TRUE((are<effect::SetCredentials, effect::Store>(hear(reply)))) << "its links stay";
  EXPECT_EQ(lifecycle_.certified().role, NodeRole::worker);
  EXPECT_TRUE(facts(NodeRole::worker, 12, true).empty());
}

TEST_F(LifecycleTest, ARefusedCertificateIsAskedForAgainAndALeaderThatIsNamedAtOnce) {
  be_worker();
  const auto asked = sent_to<wire::CertificateRequest>(facts(NodeRole::manager, 1, true));
  const std::uint64_t request = asked.front().second.request;
  const auto leader = sent_to<wire::CertificateRequest>(hear(wire::CertificateReply{request, {}, at(9), ""}));
  ASSERT_EQ(leader.size(), 1u);
  EXPECT_EQ(leader.front().first, at(9));
  EXPECT_TRUE(
      hear(wire::CertificateReply{request, plain_error(Code::unavailable, "not now"), {}, ""}).empty());
  EXPECT_EQ(lifecycle_.error(), "not now");
  EXPECT_TRUE(facts(NodeRole::manager, 1, true).empty()) << "not at once";
  EXPECT_EQ(sent_to<wire::CertificateRequest>(after(Duration::seconds(1))).size(), 2u);
}

TEST_F(LifecycleTest, ACertificateThatIsNotValidHereTakesNoPlaceOfOneThatIs) {
  be_worker();
  const std::string had = identity_->certificate_pem;
  for (const Duration off : {Duration::seconds(3 * 3'600), Duration{} - kLife}) {
    const auto asked = sent_to<wire::CertificateRequest>(facts(NodeRole::manager, 1, true));
    ASSERT_EQ(asked.size(), 2u);
    at_.wall = at_.wall + off;  // the leader's
    const auto made = certificate(NodeRole::manager);
    at_.wall = at_.wall + (Duration{} - off);
    EXPECT_TRUE(hear(wire::CertificateReply{asked.front().second.request, {}, {}, made}).empty());
    EXPECT_EQ(identity_->certificate_pem, had);
    EXPECT_NE(lifecycle_.error().find("Compare the clocks of the machines"), std::string::npos);
    at_.now = at_.now + Duration::seconds(1);
  }
  const auto again = sent_to<wire::CertificateRequest>(facts(NodeRole::manager, 1, true));
  ASSERT_EQ(again.size(), 2u);
  hear(wire::CertificateReply{again.front().second.request, {}, {}, certificate(NodeRole::manager)});
  EXPECT_EQ(lifecycle_.certified().role, NodeRole::manager);
  EXPECT_EQ(lifecycle_.error(), "");
}

// Its calendar was ahead when it signed its own, and is right again.
TEST_F(LifecycleTest, AManagerWhoseCertificateIsNotValidYetSignsItsOwnWhenItIsRefused) {
  be_manager();
  at_.wall = at_.wall + (Duration{} - Duration::seconds(48 * 3'600));
  EXPECT_TRUE(after(Duration::millis(1)).empty());
  lifecycle_.on_link_refused({"", true, "is not valid yet"}, at_);
  EXPECT_TRUE(has<effect::AskOwnStore>(after(Duration::millis(1))));
}

TEST_F(LifecycleTest, ACertificateIsRenewedInTheMiddleOfItsLife) {
  be_worker();
  Duration lived{};
  std::vector<Effect> effects;
  while (effects.empty() && lived < kLife) {
    const Duration step = Duration::seconds(1'000);
    lived = lived + step;
    at_.wall = at_.wall + step;
    effects = after(step);
  }
  EXPECT_GE(lived, Duration::seconds(50'000));
  EXPECT_LE(lived, Duration::seconds(80'000) + Duration::seconds(3'600));
  const auto asked = sent_to<wire::CertificateRequest>(effects);
  ASSERT_EQ(asked.size(), 2u);
  identity_->certificate_pem.clear();
  const auto reply =
      wire::CertificateReply{asked.front().second.request, {}, {}, certificate(NodeRole::worker)};
  EXPECT_TRUE((are<effect::SetCredentials, effect::Store>(hear(reply))));
  EXPECT_EQ(identity_->certificate_pem, "NODE CERT");
  EXPECT_TRUE(after(Duration::seconds(40'000)).empty());
}

TEST_F(LifecycleTest, ALeaderRenewsItsOwnByItself) {
  be_manager();
  at_.leads = true;
  at_.wall = at_.wall + Duration::seconds(90'000);
  EXPECT_TRUE((are<effect::AskOwnLeader>(after(Duration::seconds(3'600)))));
}

TEST_F(LifecycleTest, ANodeWithoutACertificateSaysWhatToDo) {
  identity_.emplace();
  lifecycle_.resume({}, at_.now, at_.wall);
  EXPECT_NE(lifecycle_.error().find("or leave the swarm and join again"), std::string::npos);
  EXPECT_TRUE(took().empty());
}

TEST_F(LifecycleTest, ANodeThatNoManagerLetsInSaysWhyUntilItIsIn) {
  const ports::Refusal refusal{"", true, "is of another root"};
  be_worker();
  lifecycle_.on_link_refused(refusal, at_);
  EXPECT_EQ(lifecycle_.error(), "") << "it is in session with another one";
  at_.in_session = false;
  lifecycle_.on_link_refused(refusal, at_);
  EXPECT_TRUE(
      lifecycle_.error().starts_with("the managers refuse this node's certificate: it is of another root. "))
      << lifecycle_.error();
  EXPECT_NE(lifecycle_.error().find("docker swarm leave --force"), std::string::npos);
  lifecycle_.on_link_refused({"", false, "is not valid yet"}, at_);
  EXPECT_TRUE(
      lifecycle_.error().starts_with("this node refuses the managers' certificates: the last one is not"))
      << lifecycle_.error();
  at_.in_session = true;
  facts(NodeRole::worker, 1, true);
  EXPECT_EQ(lifecycle_.error(), "");
}

TEST_F(LifecycleTest, AManagerThatHearsALeaderIsInTheSwarmWhateverAnotherOneThinks) {
  be_manager();
  at_.in_session = false;
  at_.knows_leader = true;
  lifecycle_.on_link_refused({"", true, "is of another root"}, at_);
  EXPECT_EQ(lifecycle_.error(), "");
  at_.knows_leader = false;
  lifecycle_.on_link_refused({"", true, "is of another root"}, at_);
  EXPECT_NE(lifecycle_.error(), "");
  lifecycle_.leave(kRequest, at_);
  EXPECT_EQ(lifecycle_.error(), "") << "what it waited for";
}

TEST_F(LifecycleTest, FactsOfADeposedLeaderDemoteNoManager) {
  be_manager();
  EXPECT_TRUE(facts(NodeRole::worker, 9, true).empty()) << "older than what this node has applied";
  EXPECT_TRUE(facts(NodeRole::manager, 10, true, {{NodeId(2), 33, at(1)}}).size() == 1u)
      << "only the members are written down";
  EXPECT_TRUE(has<effect::StopReplica>(facts(NodeRole::manager, 10, true, managers_)))
      << "no member any more";
}

TEST_F(LifecycleTest, AReplicaWhoseOwnLogRemovedItIsStopped) {
  be_manager();
  EXPECT_TRUE(run().empty());
  at_.was_removed = true;
  EXPECT_TRUE(has<effect::StopReplica>(run()));
}

// ---- leave

TEST_F(LifecycleTest, AFollowerTellsTheLeaderUntilItKnows) {
  be_manager();
  at_.leader = at(9);
  at_.voters = 3;
  lifecycle_.leave(kRequest, at_);
  const auto asked = sent_to<wire::LeaveRequest>(took());
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked.front().first, at(9));
  EXPECT_EQ(sent_to<wire::LeaveRequest>(after(Duration::millis(500))).size(), 1u);
  at_.leader.reset();
  EXPECT_EQ(sent_to<wire::LeaveRequest>(after(Duration::millis(500))).size(), 2u) << "all managers";
  hear(wire::LeaveReply{asked.front().second.request + 1, {}, {}});
  EXPECT_TRUE(run().empty()) << "a reply to another";
  hear(wire::LeaveReply{asked.front().second.request, {}, {}});
  EXPECT_TRUE((are<effect::DrainAgent>(run())));
  EXPECT_EQ(outcome(run()), "done");
}

TEST_F(LifecycleTest, LeavingWaitsForTheTasksThenForgetsEverythingInOrder) {
  be_manager();
  at_.leads = true;
  at_.voters = 1;
  lifecycle_.leave(kRequest, at_);
  EXPECT_TRUE(took().empty()) << "the last manager has no leader to tell";
  at_.idle = false;
  EXPECT_TRUE((are<effect::DrainAgent>(run())));
  EXPECT_TRUE(run().empty());
  at_.idle = true;
  EXPECT_TRUE((are<effect::StopAgent, effect::StopReplica, effect::StopListening, effect::CloseLinks,
                   effect::SayHello, effect::SetCredentials, effect::WipeAll, effect::OperationDone>(run())));
  EXPECT_FALSE(identity_);
  EXPECT_EQ(lifecycle_.state(), SwarmState::inactive);
  EXPECT_EQ(lifecycle_.next_deadline(), Instant::never());
}

TEST_F(LifecycleTest, ALeaderHandsOverFirst) {
  be_manager();
  at_.leads = true;
  at_.voters = 3;
  lifecycle_.leave(kRequest, at_);
  EXPECT_TRUE((are<effect::HandOver>(took())));
  at_.leads = false;
  EXPECT_EQ(sent_to<wire::LeaveRequest>(after(Duration::millis(500))).size(), 2u);
}

TEST_F(LifecycleTest, AManagerThatCannotBeLetGoStaysAndSaysWhy) {
  be_manager();
  at_.leader = at(9);
  at_.voters = 3;
  lifecycle_.leave(kRequest, at_);
  const std::uint64_t request = sent_to<wire::LeaveRequest>(took()).front().second.request;
  const auto why = plain_error(Code::failed_precondition, "m2 is down");
  EXPECT_EQ(outcome(hear(wire::LeaveReply{request, why, {}})), "m2 is down");
  EXPECT_TRUE(in<stage::Member>());
  EXPECT_TRUE(run().empty());
}

TEST_F(LifecycleTest, AVoterOfAGroupThatHasALeaderDoesNotLeaveByItself) {
  be_manager();
  at_.leader = at(9);
  at_.voters = 3;
  at_.votes = at_.knows_leader = true;
  lifecycle_.leave(kRequest, at_);
  took();
  std::string said;
  for (int i = 0; i < 8 && said.empty(); ++i) {
    const auto effects = after(Duration::millis(500));
    if (has<effect::OperationDone>(effects)) said = outcome(effects);
  }
  EXPECT_NE(said.find("has not taken this manager out of the group"), std::string::npos) << said;
  EXPECT_TRUE(in<stage::Member>());
}

TEST_F(LifecycleTest, LeavingIsItsOwnDecisionWhereNoManagerAnswers) {
  be_worker();
  lifecycle_.leave(kRequest, at_);
  EXPECT_EQ(sent_to<wire::LeaveRequest>(took()).size(), 2u);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(after(Duration::millis(500)).empty());
  after(Duration::millis(500));
  EXPECT_TRUE(has<effect::DrainAgent>(run()));
}

TEST_F(LifecycleTest, LeavingEndsAJoinThatIsUnderWay) {
  join();
  lifecycle_.leave(8, at_);
  EXPECT_EQ(outcome(took()), "the node left the swarm meanwhile");
  run();
  EXPECT_EQ(only<effect::OperationDone>(run()).id, 8u);
  EXPECT_TRUE(in<stage::Outside>());
}

TEST_F(LifecycleTest, LeavingTwiceIsRefused) {
  be_worker();
  lifecycle_.leave(8, at_);
  took();
  lifecycle_.leave(kRequest, at_);
  EXPECT_EQ(outcome(took()), "this node is leaving already");
  lifecycle_.init(kRequest, {});
  EXPECT_NE(outcome(took()).find("is leaving its swarm"), std::string::npos);
}

TEST_F(LifecycleTest, ARemovedNodeGoesWithoutAskingAndSaysWhy) {
  be_worker();
  lifecycle_.on_removed(at_);
  EXPECT_TRUE(facts(NodeRole::manager, 5, true).empty()) << "nothing brings it back";
  run();
  EXPECT_TRUE(has<effect::WipeAll>(run()));
  EXPECT_EQ(lifecycle_.error(), "this node was removed from the swarm");
}

TEST_F(LifecycleTest, AnIdentityThatIsStoredAfterItsNodeHasLeftStartsNoAgent) {
  join();
  const auto effects = hear(accepted(NodeRole::worker));
  lifecycle_.on_removed(at_);
  run();
  run();
  EXPECT_FALSE(identity_);
  took();
  EXPECT_TRUE(stored(effects).empty());
}

}  // namespace
}  // namespace swarm::node
