// Every message of the table is forged: by a worker, a stranger, a member of another swarm, for another node,
// and in the wrong direction. The list of messages is wire::Message itself, and what is expected of each
// stands in Cases: a new message without a case does not compile.
#include "node/permissions.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

using model::NodeRole;
using model::Principal;

const ClusterId kOwn(1), kForeign(2);
const NodeId kLeader(1), kManager(2), kWorker(3), kOther(4);
constexpr std::uint64_t kLeaderRaft = 11, kManagerRaft = 12, kPastRaft = 13, kNewRaft = 14;

const Principal kStranger{};
const Principal kW{kOwn, kWorker, NodeRole::worker, 0};
const Principal kM{kOwn, kManager, NodeRole::manager, kManagerRaft};
const Principal kForeignWorker{kForeign, kWorker, NodeRole::worker, 0};
const Principal kForeignManager{kForeign, kManager, NodeRole::manager, kManagerRaft};

const std::map<std::uint64_t, wire::ManagerPeer> kMembers{{kLeaderRaft, {kLeader, kLeaderRaft, {}}},
                                                          {kManagerRaft, {kManager, kManagerRaft, {}}}};
const std::set<std::uint64_t> kRemoved{kPastRaft};
const NodeId kGone(5);
const std::set<NodeId> kRemovedNodes{kGone};

// The leader, a follower of it, a manager without a leader, and a worker.
const Hearer kAtLeader{kOwn, kLeaderRaft, &kMembers, &kRemoved, kLeaderRaft, &kRemovedNodes};
const Hearer kAtFollower{kOwn, kManagerRaft, &kMembers, &kRemoved, kLeaderRaft, &kRemovedNodes};
const Hearer kLeaderless{kOwn, kManagerRaft, &kMembers, &kRemoved, 0, &kRemovedNodes};
const Hearer kAtWorker{kOwn, 0, nullptr, nullptr, 0, nullptr};
const Hearer kOutside{};

// What a message says of whom it is about.
enum class Names {
  sender,    // a node, which must be the sender
  receiver,  // the node that it is sent to
  ends,      // members of the Raft group: the sender, and the one that it is sent to
  link,      // a session, stream or request, which its part looks up together with the link
  nothing,
};
struct Case {
  Sender sender;
  Way way;
  Names names;
};

struct Cases {
  using M = Sender;
  Case operator()(const wire::RootRequest&) const { return {M::anyone, Way::asks, Names::nothing}; }
  Case operator()(const wire::RootReply&) const { return {M::anyone, Way::answers, Names::nothing}; }
  Case operator()(const wire::CertificateRequest&) const { return {M::member, Way::asks, Names::nothing}; }
  Case operator()(const wire::CertificateReply&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::JoinRequest&) const { return {M::anyone, Way::asks, Names::nothing}; }
  Case operator()(const wire::JoinReply&) const { return {M::anyone, Way::answers, Names::receiver}; }
  Case operator()(const wire::RaftJoinRequest&) const {
    return {M::coming_manager, Way::asks, Names::sender};
  }
  Case operator()(const wire::RaftJoinReply&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::LeaveRequest&) const { return {M::member, Way::asks, Names::sender}; }
  Case operator()(const wire::LeaveReply&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::Register&) const { return {M::member, Way::asks, Names::sender}; }
  Case operator()(const wire::Session&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::SessionRefused&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::Heartbeat&) const { return {M::member, Way::asks, Names::link}; }
  Case operator()(const wire::HeartbeatReply&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::FeedUpdate&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::FeedAck&) const { return {M::member, Way::asks, Names::link}; }
  Case operator()(const wire::TaskReport&) const { return {M::member, Way::asks, Names::link}; }
  Case operator()(const wire::TaskReportAck&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::LogSubscribe&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::LogUnsubscribe&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::LogChunk&) const { return {M::member, Way::asks, Names::link}; }
  Case operator()(const wire::ApiForward&) const { return {M::manager, Way::asks, Names::link}; }
  Case operator()(const wire::ApiReplyHead&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::ApiReplyBody&) const { return {M::manager, Way::answers, Names::link}; }
  Case operator()(const wire::ApiCancel&) const { return {M::manager, Way::asks, Names::link}; }
  Case operator()(const wire::SnapshotChunk&) const { return {M::manager, Way::asks, Names::ends}; }
  Case operator()(const wire::SnapshotAck&) const { return {M::manager, Way::answers, Names::link}; }
};

Way other(Way way) { return way == Way::asks ? Way::answers : Way::asks; }

// One message of the table, as `about` would send it to the leader, and what is expected of it.
struct Sample {
  Case expected;
  std::function<wire::Message(const Principal& about)> make;
  std::string name() const { return permission(make(kM)).name; }
};

template <class T>
wire::Message message_about(const Principal& about) {
  T message;
  if constexpr (requires { message.node; }) message.node = about.node;
  if constexpr (std::is_same_v<T, wire::SnapshotChunk>) {
    raft::Message snap;
    snap.type = raft::MessageType::snap;
    snap.from = about.raft_id;
    snap.to = kLeaderRaft;
    message.message = codec::encode(snap);
  }
  return message;
}

template <std::size_t... kIndex>
std::vector<Sample> samples_of(std::index_sequence<kIndex...>) {
  return {Sample{Cases{}(std::variant_alternative_t<kIndex, wire::Message>{}),
                 message_about<std::variant_alternative_t<kIndex, wire::Message>>}...};
}
const std::vector<Sample> kSamples =
    samples_of(std::make_index_sequence<std::variant_size_v<wire::Message>>{});

// A field that names a node is the subject, or said not to be the sender in Cases.
template <std::size_t... kIndex>
bool nodes_are_subjects(std::index_sequence<kIndex...>) {
  const auto fine = []<class T>(const T& message) {
    const Names names = Cases{}(message).names;
    if constexpr (requires { message.node; }) return names == Names::sender || names == Names::receiver;
    return names != Names::sender && names != Names::receiver;
  };
  return (fine(std::variant_alternative_t<kIndex, wire::Message>{}) && ...);
}

std::optional<Denial> ask(const Principal& who, const Sample& sample, const Principal& about,
                          const Hearer& hearer = kAtLeader) {
  return check(who, sample.expected.way, hearer, sample.make(about));
}

TEST(Permissions, EachMessageHasItsRow) {
  std::set<std::string> names;
  for (const auto& sample : kSamples) {
    const Permission row = permission(sample.make(kM));
    EXPECT_EQ(row.sender, sample.expected.sender) << row.name;
    EXPECT_EQ(row.way, sample.expected.way) << row.name;
    EXPECT_EQ(row.subject.has_value(), sample.expected.names == Names::sender) << row.name;
    EXPECT_EQ(row.ends.has_value(), sample.expected.names == Names::ends) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
  EXPECT_TRUE(nodes_are_subjects(std::make_index_sequence<std::variant_size_v<wire::Message>>{}));
}

TEST(Permissions, WhoIsEntitledMaySendEachMessageForItself) {
  for (const auto& sample : kSamples) {
    EXPECT_EQ(ask(kM, sample, kM), std::nullopt) << sample.name();
    if (sample.expected.sender == Sender::manager) continue;
    if (sample.expected.sender == Sender::coming_manager) {
      const Principal coming{kOwn, kOther, NodeRole::manager, 0};
      EXPECT_EQ(ask(coming, sample, coming), std::nullopt) << sample.name();
      continue;
    }
    EXPECT_EQ(ask(kW, sample, kW), std::nullopt) << sample.name();
    if (sample.expected.sender == Sender::member) continue;
    EXPECT_EQ(ask(kStranger, sample, kStranger), std::nullopt) << sample.name();
  }
}

TEST(Permissions, AWorkerMaySayNothingThatIsAManagers) {
  for (const auto& sample : kSamples) {
    if (sample.expected.sender != Sender::manager && sample.expected.sender != Sender::coming_manager)
      continue;
    EXPECT_EQ(ask(kW, sample, kW), Denial::role) << sample.name();
    EXPECT_EQ(ask(kW, sample, kM), Denial::role) << sample.name();
    EXPECT_EQ(ask(kW, sample, kW, kAtWorker), Denial::role) << sample.name();
  }
}

TEST(Permissions, AStrangerMayAskToJoinAndNothingElse) {
  for (const auto& sample : kSamples) {
    if (sample.expected.sender == Sender::anyone) continue;
    for (const Principal& about : {kStranger, kW, kM})
      EXPECT_EQ(ask(kStranger, sample, about), Denial::stranger) << sample.name();
    // A cluster without a node is no member either; nor is anybody one of a node that is in no swarm itself.
    EXPECT_EQ(ask({kOwn, {}, NodeRole::manager, kManagerRaft}, sample, kM), Denial::stranger)
        << sample.name();
    EXPECT_EQ(ask(kStranger, sample, kM, kOutside), Denial::stranger) << sample.name();
    EXPECT_EQ(ask(kM, sample, kM, kOutside), Denial::another_swarm) << sample.name();
  }
}

TEST(Permissions, AMemberOfAnotherSwarmIsNoMemberOfThisOne) {
  for (const auto& sample : kSamples) {
    if (sample.expected.sender == Sender::anyone) continue;
    for (const Principal& who : {kForeignWorker, kForeignManager})
      for (const Principal& about : {who, kW, kM})
        EXPECT_EQ(ask(who, sample, about), Denial::another_swarm) << sample.name();
  }
}

TEST(Permissions, NobodySpeaksForAnotherNode) {
  const Principal other{kOwn, kOther, NodeRole::manager, kLeaderRaft}, none{};
  for (const auto& sample : kSamples) {
    std::vector<std::pair<Principal, Principal>> lies;
    if (sample.expected.names == Names::sender) lies = {{kM, kW}, {kM, other}, {kM, none}};
    if (sample.expected.names == Names::sender && sample.expected.sender == Sender::member)
      lies.insert(lies.end(), {{kW, kM}, {kW, other}, {kW, none}});
    if (sample.expected.names == Names::ends) lies = {{kM, other}, {kM, none}};
    for (const auto& [who, about] : lies)
      EXPECT_EQ(ask(who, sample, about), Denial::subject) << sample.name();
  }
}

TEST(Permissions, AnswersCountWhereThisNodeAskedAndRequestsWhereThePeerDid) {
  for (const auto& sample : kSamples)
    for (const Principal& who : {kStranger, kW, kM, kForeignManager})
      EXPECT_EQ(check(who, other(sample.expected.way), kAtLeader, sample.make(who)), Denial::direction)
          << sample.name();
}

// ---- Raft's own messages

raft::Message raft_message(std::uint64_t from, std::uint64_t to) {
  raft::Message message;
  message.type = raft::MessageType::app;
  message.term = 1'000;
  message.from = from;
  message.to = to;
  return message;
}
std::optional<Denial> step(const Principal& who, std::uint64_t from, std::uint64_t to = kLeaderRaft,
                           const Hearer& hearer = kAtLeader) {
  return check(who, Way::asks, hearer, raft_message(from, to));
}

TEST(Permissions, RaftHearsAManagerSpeakForItself) {
  EXPECT_EQ(step(kM, kManagerRaft), std::nullopt);
  EXPECT_EQ(step(kM, kLeaderRaft), Denial::subject);
  EXPECT_EQ(step(kM, 0), Denial::subject);
  EXPECT_EQ(step(kM, kManagerRaft, kPastRaft), Denial::stale) << "to a past life of this node";
  EXPECT_EQ(step(kM, kManagerRaft, 0, kAtWorker), Denial::stale) << "to a node that is no manager";
  EXPECT_EQ(step(kW, 0), Denial::role);
  EXPECT_EQ(step(kStranger, kManagerRaft), Denial::stranger);
  EXPECT_EQ(step(kForeignManager, kManagerRaft), Denial::another_swarm);
  EXPECT_EQ(check(kM, Way::answers, kAtLeader, raft_message(kManagerRaft, kLeaderRaft)), Denial::direction);
}

TEST(Permissions, ASnapshotThatCannotBeReadIsFromNobody) {
  wire::SnapshotChunk chunk;
  chunk.message = "\xff\xff";
  EXPECT_EQ(check(kM, Way::asks, kAtLeader, wire::Message(chunk)), Denial::subject);
  chunk.message.clear();
  EXPECT_EQ(check(kM, Way::asks, kAtLeader, wire::Message(chunk)), Denial::subject);
}

// ---- claims to be a manager

TEST(Permissions, AWorkerThatClaimsToBeAManagerIsNotBelieved) {
  const Principal unknown_id{kOwn, kWorker, NodeRole::manager, kNewRaft};
  const Principal stolen_id{kOwn, kWorker, NodeRole::manager, kManagerRaft};
  const Principal no_id{kOwn, kManager, NodeRole::manager, 0};
  for (const auto& sample : kSamples) {
    if (sample.expected.sender != Sender::manager) continue;
    EXPECT_EQ(ask(unknown_id, sample, unknown_id), Denial::unknown_manager) << sample.name();
    EXPECT_EQ(ask(unknown_id, sample, unknown_id, kAtFollower), Denial::unknown_manager) << sample.name();
    for (const Hearer* hearer : {&kAtLeader, &kAtFollower, &kLeaderless})
      EXPECT_EQ(ask(stolen_id, sample, stolen_id, *hearer), Denial::unknown_manager) << sample.name();
    EXPECT_EQ(ask(no_id, sample, no_id), Denial::role) << sample.name();
  }
}

TEST(Permissions, AManagerThatIsBehindLetsANewMemberSpeakOnceItHearsNoLeader) {
  const Principal newcomer{kOwn, kOther, NodeRole::manager, kNewRaft};
  EXPECT_FALSE(is_manager(newcomer, kAtFollower));
  EXPECT_TRUE(is_manager(newcomer, kLeaderless)) << "it may need the newcomer's vote";
  Hearer follows = kAtFollower;
  follows.leader = kNewRaft;
  EXPECT_TRUE(is_manager(newcomer, follows)) << "it needs the newcomer's log";
}

TEST(Permissions, APastMemberIsNoManagerAnyMore) {
  const Principal past{kOwn, kOther, NodeRole::manager, kPastRaft};
  for (const Hearer* hearer : {&kAtLeader, &kAtFollower, &kLeaderless}) {
    EXPECT_FALSE(is_manager(past, *hearer));
    EXPECT_EQ(step(past, kPastRaft, hearer->raft_id, *hearer), Denial::stale);
  }
  EXPECT_EQ(check(past, Way::asks, kAtLeader, wire::Message(wire::Register{kOther, {}})), std::nullopt)
      << "it is to learn that it is a worker now";
}

// Its certificate is as good as ever: the list of those that were removed is what counts.
TEST(Permissions, ANodeThatWasRemovedIsHeardInNothingButItsWayOut) {
  for (const Principal& gone :
       {Principal{kOwn, kGone, NodeRole::worker, 0}, Principal{kOwn, kGone, NodeRole::manager, kNewRaft}})
    for (const auto& sample : kSamples) {
      if (sample.expected.sender == Sender::anyone) continue;
      const std::string name = sample.name();
      const bool way_out = name == "Register" || name == "LeaveRequest";
      for (const Hearer* hearer : {&kAtLeader, &kAtFollower, &kLeaderless})
        EXPECT_EQ(ask(gone, sample, gone, *hearer), way_out ? std::nullopt : std::optional(Denial::removed))
            << name;
    }
}

// A worker knows them by its feed: a manager that was removed is none to it.
TEST(Permissions, AWorkerHearsNoManagerThatWasRemoved) {
  Hearer worker = kAtWorker;
  worker.removed_nodes = &kRemovedNodes;
  const Principal gone{kOwn, kGone, NodeRole::manager, kNewRaft};
  EXPECT_EQ(check(gone, Way::answers, worker, wire::Message(wire::Session{})), Denial::removed);
  EXPECT_EQ(check(kM, Way::answers, worker, wire::Message(wire::Session{})), std::nullopt);
}

TEST(Permissions, AnExpiredCertificateIsGoodForTheNextOneAndForNothingElse) {
  for (Principal late : {kW, kM}) {
    late.renews = true;
    for (const auto& sample : kSamples) {
      if (sample.expected.sender == Sender::anyone) continue;
      const bool renews = sample.name() == "CertificateRequest";
      EXPECT_EQ(ask(late, sample, late), renews ? std::nullopt : std::optional(Denial::expired))
          << sample.name();
    }
  }
  Principal gone{kOwn, kGone, NodeRole::worker, 0};
  gone.renews = true;
  EXPECT_EQ(check(gone, Way::asks, kAtLeader, wire::Message(wire::CertificateRequest{})), Denial::removed);
}

// The key of a manager that was demoted, and a Raft id that no group has had.
TEST(Permissions, ADemotedManagersKeyIsNoManagersWhereTheStoreKnowsOfTheDemotion) {
  const WallTime demoted{1'800'000'000'000'000'000};
  const Duration day = Duration::seconds(24LL * 3600);
  Principal who{kOwn, kOther, NodeRole::manager, kNewRaft};
  Hearer hearer = kLeaderless;
  hearer.worker_as_of = demoted;
  who.valid_from = demoted + Duration{-day.ns};
  EXPECT_FALSE(is_manager(who, hearer));
  EXPECT_EQ(step(who, kNewRaft, kManagerRaft, hearer), Denial::unknown_manager);
  who.valid_from = demoted;  // made an hour later: it was promoted again, and this manager is behind
  EXPECT_TRUE(is_manager(who, hearer));
}

TEST(Permissions, WhoBreaksARuleLosesItsLinkAndWhoIsMerelyBehindDoesNot) {
  for (const Denial denial :
       {Denial::stranger, Denial::role, Denial::subject, Denial::direction, Denial::removed, Denial::pace})
    EXPECT_TRUE(row_of(denial).closes) << row_of(denial).word;
  for (const Denial denial : {Denial::another_swarm, Denial::unknown_manager, Denial::stale, Denial::expired})
    EXPECT_FALSE(row_of(denial).closes) << row_of(denial).word;
}

}  // namespace
}  // namespace swarm::node
