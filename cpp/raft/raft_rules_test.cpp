// What goes beyond the paper's figure: pre-vote, check-quorum, reads, transfer, flow control, durability,
// membership.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/progress.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"
#include "raft/test_peer.hpp"

namespace swarm::raft {
namespace {

Config guarded() {
  Config config;
  config.pre_vote = config.check_quorum = true;
  return config;
}

Message answer_to(const Message& append, Term term) {
  Message answer = message_from(append.to, MessageType::app_resp, term);
  answer.index = append.index + append.entries.size();
  return answer;
}

TEST(RaftRules, APreCandidateChangesNeitherTermNorVote) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start(4);
  peer.tick(20);
  EXPECT_EQ(peer.raw->role(), Role::pre_candidate);
  EXPECT_EQ(peer.raw->term(), 4u);
  EXPECT_EQ(peer.storage.hard_state(), (HardState{4, kNone, 0}));
  const auto asked = peer.take(MessageType::pre_vote);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked[0].term, 5u);
}

TEST(RaftRules, WhoHearsALeaderRefusesToVote) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start(1);
  (void)peer.step(message_from(2, MessageType::heartbeat, 1)).ok();
  peer.sent.clear();
  (void)peer.step(message_from(3, MessageType::vote, 9)).ok();
  EXPECT_EQ(peer.raw->term(), 1u) << "a cut-off member cannot disturb";
  EXPECT_TRUE(peer.sent.empty());
  peer.tick(peer.config.election_tick);
  (void)peer.step(message_from(3, MessageType::vote, 9)).ok();
  EXPECT_EQ(peer.raw->term(), 9u);
}

TEST(RaftRules, AProposalThatIsPassedOnKeepsItsSender) {
  Peer peer(1);
  peer.start(1);
  (void)peer.step(message_from(2, MessageType::heartbeat, 1)).ok();
  peer.sent.clear();
  Message passed = message_from(3, MessageType::prop, 0);
  passed.entries.push_back({0, 0, EntryType::normal, "x"});
  ASSERT_TRUE(peer.step(passed).ok());
  ASSERT_TRUE(peer.propose("y").ok());
  const auto props = peer.take(MessageType::prop);
  ASSERT_EQ(props.size(), 2u);
  EXPECT_EQ(props[0].to, 2u);
  EXPECT_EQ(props[0].from, 3u);
  EXPECT_EQ(props[1].from, 1u);
}

TEST(RaftRules, ALostLeadersHintHurriesOneElectionOnly) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start(1);
  (void)peer.step(message_from(2, MessageType::heartbeat, 1)).ok();
  peer.sent.clear();
  peer.raw->hint_leader_lost();
  peer.tick(2);
  EXPECT_EQ(peer.take(MessageType::pre_vote).size(), 2u);
  peer.tick(peer.config.election_tick - 1);
  EXPECT_TRUE(peer.take(MessageType::pre_vote).empty()) << "nobody answered: the next one waits its time";
}

TEST(RaftRules, ALeaderWithoutAQuorumStepsDown) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start();
  peer.campaign();
  Message yes = message_from(2, MessageType::pre_vote_resp, 1);
  (void)peer.step(yes).ok();
  yes.type = MessageType::vote_resp;
  (void)peer.step(yes).ok();
  ASSERT_EQ(peer.raw->role(), Role::leader);
  peer.tick(2 * peer.config.election_tick);
  EXPECT_EQ(peer.raw->role(), Role::follower);
}

TEST(RaftRules, ALeaderWhoseFollowersFallSilentStepsDown) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start();
  peer.campaign();
  for (const auto type : {MessageType::pre_vote_resp, MessageType::vote_resp, MessageType::heartbeat_resp})
    (void)peer.step(message_from(2, type, 1)).ok();
  peer.tick(peer.config.election_tick);
  EXPECT_EQ(peer.raw->role(), Role::leader) << "it has heard one in this election timeout";
  peer.tick(peer.config.election_tick);
  EXPECT_EQ(peer.raw->role(), Role::follower) << "and none in the next";
}

TEST(RaftRules, APreVoteIsGrantedInTheTermThatItIsAskedFor) {
  Peer peer(1, {1, 2, 3}, guarded());
  peer.start(4);
  (void)peer.step(message_from(2, MessageType::pre_vote, 5)).ok();
  const auto granted = peer.take(MessageType::pre_vote_resp);
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_FALSE(granted[0].reject);
  EXPECT_EQ(granted[0].term, 5u);
}

TEST(RaftRules, ALeaderOfAnOlderTermIsToldOfTheNewerOne) {
  for (const auto type : {MessageType::heartbeat, MessageType::app}) {
    Peer peer(1, {1, 2, 3}, guarded());
    peer.start(5);
    (void)peer.step(message_from(2, type, 3)).ok();
    const auto told = peer.take(MessageType::app_resp);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].to, 2u);
    EXPECT_EQ(told[0].term, 5u);
  }
}

TEST(RaftRules, NothingIsAcknowledgedBeforeItIsDurable) {
  Peer peer(1);
  peer.start();
  Message append = message_from(2, MessageType::app, 1);
  append.entries = {{1, 1, EntryType::normal, "x"}};
  append.to = 1;
  ASSERT_TRUE(peer.raw->step(append).ok());
  const Ready ready = peer.raw->ready();
  EXPECT_TRUE(ready.must_sync);
  EXPECT_TRUE(ready.messages.empty()) << "the answer waits for the disk";
  ASSERT_EQ(ready.messages_after_append.size(), 1u);
  EXPECT_EQ(ready.messages_after_append[0].type, MessageType::app_resp);
}

TEST(RaftRules, ALeadersOwnLogCountsOnceItIsDurable) {
  Peer peer(1, {1, 2});
  peer.start().lead();
  peer.accept_appends();
  ASSERT_TRUE(peer.raw->propose("x").ok());
  const Ready ready = peer.raw->ready();
  Message ack = answer_to(ready.messages.at(0), 1);
  ack.to = 1;
  ASSERT_TRUE(peer.raw->step(ack).ok());
  EXPECT_EQ(peer.raw->commit(), 1u) << "the other has it, this disk does not";
  peer.storage.append(ready.entries);
  peer.raw->advance();
  EXPECT_EQ(peer.raw->commit(), 2u);
}

TEST(RaftRules, AppendsArePipelinedUpToTheWindow) {
  Config config;
  config.max_inflight_msgs = 3;
  Peer peer(1, {1, 2, 3}, config);
  peer.start().lead();
  peer.accept_appends();
  peer.sent.clear();
  for (int i = 0; i < 5; ++i) (void)peer.propose("x").ok();
  auto sent = peer.take(MessageType::app);
  std::erase_if(sent, [](const Message& message) { return message.to != 2; });
  ASSERT_EQ(sent.size(), 3u) << "none waited for an answer, and none went beyond the window";
  EXPECT_EQ(sent[2].index, sent[0].index + 2);
  (void)peer.step(answer_to(sent[0], 1)).ok();
  sent = peer.take(MessageType::app);
  std::erase_if(sent, [](const Message& message) { return message.to != 2 || message.entries.empty(); });
  ASSERT_EQ(sent.size(), 1u) << "one place became free";
  EXPECT_EQ(sent[0].entries.size(), 2u) << "what waited goes in one message";
}

TEST(RaftRules, AReadWaitsForAnEntryOfTheLeadersOwnTermAndForAQuorum) {
  Peer peer(1);
  peer.start(1, {1, 1}, 1).lead();
  ASSERT_TRUE(peer.raw->read_index("read").ok());
  peer.settle();
  peer.take(MessageType::heartbeat);
  EXPECT_TRUE(peer.reads.empty()) << "a new leader does not know what was committed";
  Message ack = message_from(2, MessageType::app_resp, peer.raw->term());
  ack.index = 3;
  (void)peer.step(ack).ok();
  ASSERT_EQ(peer.raw->commit(), 3u);
  EXPECT_TRUE(peer.reads.empty()) << "another may lead by now: a round of heartbeats must tell";
  Message beat = message_from(3, MessageType::heartbeat_resp, peer.raw->term());
  beat.context = "read";
  (void)peer.step(beat).ok();
  ASSERT_EQ(peer.reads.size(), 1u);
  EXPECT_EQ(peer.reads[0].index, 3u);
  EXPECT_EQ(peer.reads[0].context, "read");
}

// Another leader may have committed more before the read was asked.
TEST(RaftRules, AReadOfAnEarlierTermIsNotAnsweredByALaterLeadership) {
  Peer peer(1);
  peer.start().lead();
  peer.accept_appends();
  ASSERT_TRUE(peer.raw->read_index("read").ok());
  peer.settle();
  (void)peer.step(message_from(2, MessageType::heartbeat, 2)).ok();
  peer.lead();
  peer.accept_appends();
  ASSERT_EQ(peer.raw->role(), Role::leader);
  Message beat = message_from(3, MessageType::heartbeat_resp, peer.raw->term());
  beat.context = "read";
  (void)peer.step(beat).ok();
  EXPECT_TRUE(peer.reads.empty()) << "the client asks the new leader again";
}

TEST(RaftRules, AReadOfAGroupOfOneWaitsForItsOwnTermToo) {
  Peer peer(1, {1});
  peer.start(1, {1, 1}, 1);  // entry 2 was acknowledged before the crash; the commit index on disk is older
  (void)peer.raw->campaign().ok();
  for (int i = 0; i < 2 && peer.raw->role() != Role::leader; ++i) {
    const Ready ready = peer.raw->ready();
    if (ready.hard_state) peer.storage.set_hard_state(*ready.hard_state);
    peer.raw->advance();
  }
  ASSERT_TRUE(peer.raw->read_index("read").ok());
  peer.settle();
  ASSERT_EQ(peer.reads.size(), 1u);
  EXPECT_EQ(peer.reads[0].index, 3u);
}

TEST(RaftRules, AReadUnderWayIsAnsweredWhenTheGroupShrinksToItsLeader) {
  Peer peer(1, {1, 2});
  peer.start().lead();
  peer.accept_appends();
  ASSERT_TRUE(peer.raw->read_index("read").ok());
  peer.settle();
  ASSERT_TRUE(peer.reads.empty()) << "2 may follow another by now";
  ConfChangeV2 change;
  change.changes = {{ConfChangeType::remove_node, 2, {}}};
  ASSERT_TRUE(peer.raw->propose_conf_change(change).ok());
  peer.settle();
  peer.accept_appends();  // and 2 is gone before it answers a heartbeat
  ASSERT_EQ(peer.raw->progress().size(), 1u);
  ASSERT_EQ(peer.reads.size(), 1u) << "nobody is left to confirm the leader";
}

TEST(RaftRules, ATransferWaitsUntilTheTargetHasEverything) {
  Peer peer(1);
  peer.start().lead();
  peer.raw->transfer_leader(2);
  peer.settle();
  auto held = peer.sent;
  EXPECT_TRUE(peer.take(MessageType::timeout_now).empty());
  EXPECT_FALSE(peer.propose("x").ok()) << "no proposals during a transfer";
  peer.sent = held;
  peer.accept_appends();
  const auto go = peer.take(MessageType::timeout_now);
  ASSERT_EQ(go.size(), 1u);
  EXPECT_EQ(go[0].to, 2u);
  peer.tick(peer.config.election_tick);
  EXPECT_TRUE(peer.propose("x").ok()) << "a transfer that takes too long is given up";
}

TEST(RaftRules, AFollowerBehindTheCompactedLogGetsASnapshot) {
  Peer leader(1), slow(3);
  leader.start().lead();
  for (int i = 0; i < 10; ++i) (void)leader.propose("x").ok();
  Message ack = message_from(2, MessageType::app_resp, 1);
  ack.index = 11;
  (void)leader.step(ack).ok();
  ASSERT_EQ(leader.raw->commit(), 11u);
  ASSERT_EQ(leader.storage.compact(11), LogError::none);
  leader.sent.clear();
  leader.raw->report_unreachable(3);
  slow.start();
  for (int i = 0; i < 6; ++i) {
    leader.tick();
    for (auto& message : std::exchange(leader.sent, {}))
      if (message.to == 3) (void)slow.step(message).ok();
    for (auto& message : std::exchange(slow.sent, {})) (void)leader.step(message).ok();
  }
  EXPECT_EQ(slow.storage.first_index(), 12u);
  EXPECT_EQ(slow.raw->commit(), 11u);
  EXPECT_EQ(leader.raw->progress().at(3).state, ProgressState::replicate);
}

TEST(RaftRules, ANewLearnerIsBroughtUpByASnapshotAndDoesNotCount) {
  Peer leader(1, {1}), learner(2, {});
  leader.start().lead();
  for (int i = 0; i < 10; ++i) (void)leader.propose("x").ok();
  learner.start();
  ConfChangeV2 change;
  change.changes = {{ConfChangeType::add_learner_node, 2, {}}};
  ASSERT_TRUE(leader.raw->propose_conf_change(change).ok());
  leader.settle();
  ASSERT_EQ(leader.storage.compact(leader.raw->commit()), LogError::none);
  (void)leader.propose("y").ok();
  EXPECT_EQ(leader.applied.back().data, "y") << "committed without the learner";
  for (int i = 0; i < 8; ++i) {
    for (auto& message : std::exchange(leader.sent, {})) (void)learner.step(message).ok();
    for (auto& message : std::exchange(learner.sent, {})) (void)leader.step(message).ok();
    leader.tick();
  }
  EXPECT_GT(learner.storage.first_index(), 10u);
  EXPECT_EQ(learner.raw->commit(), leader.raw->commit());
  learner.tick(100);
  EXPECT_EQ(learner.raw->role(), Role::follower) << "a learner does not campaign";
}

TEST(RaftRules, OneMembershipChangeAtATime) {
  Peer peer(1);
  peer.start().lead();
  peer.accept_appends();
  ConfChangeV2 change;
  change.changes = {{ConfChangeType::add_learner_node, 4, {}}};
  ASSERT_TRUE(peer.raw->propose_conf_change(change).ok());
  EXPECT_TRUE(peer.raw->conf_change_pending());
  change.changes = {{ConfChangeType::remove_node, 3, {}}};
  ASSERT_TRUE(peer.raw->propose_conf_change(change).ok());
  peer.settle();
  const auto entries = peer.storage.entries(2, 4, kNoLimit).value;
  EXPECT_EQ(entries[0].type, EntryType::conf_change_v2);
  EXPECT_EQ(entries[1].type, EntryType::normal) << "the second became an empty entry";
  peer.accept_appends();
  EXPECT_FALSE(peer.raw->conf_change_pending());
  EXPECT_TRUE(peer.raw->progress().contains(3));
}

// The change decides who votes: an election that does not know it yet could be won without a true majority.
TEST(RaftRules, NoElectionBeforeACommittedMembershipChangeIsApplied) {
  Peer peer(1, {1});
  ConfChangeV2 change;
  change.changes.push_back({ConfChangeType::add_node, 2, {}});
  Entry entry = encode_conf_change(change);
  entry.term = entry.index = 1;
  peer.storage.append({entry});
  peer.storage.set_hard_state({1, kNone, 1});
  peer.raw = std::make_unique<RawNode>(peer.config, peer.storage);
  (void)peer.raw->campaign().ok();
  EXPECT_EQ(peer.raw->role(), Role::follower);
  EXPECT_EQ(peer.raw->term(), 1u);
  peer.settle();  // applies it
  peer.campaign();
  EXPECT_EQ(peer.raw->role(), Role::candidate) << "the vote of 2 is missing";
}

TEST(RaftRules, TheLastVoterIsNotRemoved) {
  Peer peer(1, {1});
  peer.start().lead();
  ConfChangeV2 change;
  change.changes = {{ConfChangeType::remove_node, 1, {}}};
  ASSERT_TRUE(peer.raw->propose_conf_change(change).ok());
  peer.settle();
  EXPECT_EQ(peer.applied.back().type, EntryType::normal) << "it became an empty entry";
  EXPECT_TRUE(peer.propose("x").ok());
}

TEST(RaftRules, ATermNeverWraps) {
  Peer peer(1, {1});
  peer.start(kTermBound - 2);
  peer.campaign();
  EXPECT_EQ(peer.raw->term(), kTermBound - 1);
  Peer last(1, {1});
  last.start(kTermBound - 1);
  last.campaign();
  last.tick(100);
  EXPECT_EQ(last.raw->term(), kTermBound - 1);
  EXPECT_EQ(last.raw->role(), Role::follower);
}

// The leader lost entries that this follower has and knows to be committed: it may count none of them as
// those that it writes there itself.
TEST(RaftRules, AFollowerAnswersAnAppendBelowItsCommitWithWhatBothHave) {
  const struct {
    Index previous;
    std::vector<Term> sent;  // the entries after it
    Index commit, answered;
  } cases[] = {
      {2, {}, 2, 2},                               // a leader whose log ends there
      {2, {1}, 2, 3},                              // that has one more of its own
      {2, {1, 3}, 2, 3},                           // and then another
      {3, {3, 3, 3}, 3, 3},                        // all that follows is another
      {2, {1}, 5, 5},                              // that only sends little of what it knows to be committed
      {2, {1, 2, 2, 3}, 2, 5}, {2, {1, 3}, 5, 3},  // that is wrong about what was committed
  };
  for (const auto& test : cases) {
    Peer peer(1);
    peer.start(3, {1, 1, 1, 2, 2}, 5);
    Message append = message_from(2, MessageType::app, 3);
    append.index = test.previous;
    append.log_term = 1;
    append.commit = test.commit;
    for (const Term term : test.sent)
      append.entries.push_back({term, append.index + append.entries.size() + 1, EntryType::normal, "x"});
    (void)peer.step(append).ok();
    const auto answers = peer.take(MessageType::app_resp);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_FALSE(answers[0].reject);
    EXPECT_EQ(answers[0].index, test.answered) << test.previous << " and " << test.sent.size();
    EXPECT_EQ(peer.log_terms(), (std::vector<Term>{1, 1, 1, 2, 2})) << "what was committed stays";
  }
}

TEST(RaftRules, AFollowerRefusesAnAppendAfterAnEntryThatItHasNot) {
  Peer peer(1);
  peer.start(3, {1, 1, 1, 2, 2}, 5);
  Message append = message_from(2, MessageType::app, 3);
  append.index = 4;
  append.log_term = 1;
  (void)peer.step(append).ok();
  const auto answers = peer.take(MessageType::app_resp);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].reject);
  EXPECT_EQ(answers[0].reject_hint, 3u) << "the leader goes back to where both may be the same";
}

TEST(RaftRules, AFollowerAnswersAnOldSnapshotWithThatSnapshot) {
  Peer peer(1);
  peer.start(3, {1, 1, 1, 2, 2}, 5);
  Message message = message_from(2, MessageType::snap, 3);
  message.snapshot = std::make_shared<Snapshot>();
  message.snapshot->index = 3;
  message.snapshot->term = 1;
  message.snapshot->conf_state.voters = {1, 2, 3};
  (void)peer.step(message).ok();
  const auto answers = peer.take(MessageType::app_resp);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].index, 3u);
}

TEST(RaftRules, AChangeOfTheMembersThatCannotBeReadIsNone) {
  const Entry good =
      encode_conf_change({Transition::joint_implicit, {{ConfChangeType::add_node, 3, "here"}}});
  EXPECT_TRUE(read_conf_change(good));
  for (std::size_t size = 2; size < good.data.size(); ++size)
    EXPECT_FALSE(read_conf_change({1, 1, good.type, good.data.str().substr(0, size)})) << size;
  std::string unknown = good.data.str();
  unknown[0] = 3;
  EXPECT_FALSE(read_conf_change({1, 1, good.type, unknown})) << "a transition of its own";
  unknown = good.data.str();
  unknown[1] = 4;
  EXPECT_FALSE(read_conf_change({1, 1, good.type, unknown})) << "a type of its own";
}

TEST(RaftRules, AGroupWithoutVotersCannotBecomeOne) {
  Peer peer(1, {1, 2});
  peer.start(1, {1}, 1);
  const auto removes = [](PeerId id) { return ConfChangeSingle{ConfChangeType::remove_node, id, {}}; };
  EXPECT_TRUE(peer.raw->can_apply({Transition::automatic, {removes(2)}}));
  EXPECT_FALSE(peer.raw->can_apply({Transition::joint_implicit, {removes(1), removes(2)}}));
  EXPECT_FALSE(peer.raw->can_apply({})) << "it is not joint";
}

TEST(RaftRules, WhatAPeerMayNotSendIsRefused) {
  Peer peer(1);
  peer.start();
  EXPECT_EQ(peer.step(message_from(2, MessageType::hup, 0)).error().message,
            "raft: cannot step raft local message");
  EXPECT_EQ(peer.step(message_from(9, MessageType::app_resp, 0)).error().message,
            "raft: cannot step as peer not found");
  EXPECT_EQ(peer.propose("x").error().message, "raft proposal dropped");
}

}  // namespace
}  // namespace swarm::raft
