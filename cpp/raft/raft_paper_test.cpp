// What the Raft paper (Ongaro and Ousterhout, 2014) demands, section by section.
#include <cstddef>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/test_peer.hpp"

namespace swarm::raft {
namespace {

Message append(Term term, Index previous, Term previous_term, std::vector<Entry> entries, Index commit = 0) {
  Message message = message_from(2, MessageType::app, term);
  message.index = previous;
  message.log_term = previous_term;
  message.entries = std::move(entries);
  message.commit = commit;
  return message;
}

Message vote_request(PeerId from, Term term, Term last_term, Index last_index) {
  Message message = message_from(from, MessageType::vote, term);
  message.log_term = last_term;
  message.index = last_index;
  return message;
}

// Section 5.1: a member that sees a newer term becomes a follower in it.
TEST(RaftPaper, ANewerTermMakesAFollowerOfEveryRole) {
  for (const Role role : {Role::follower, Role::candidate, Role::leader}) {
    Peer peer(1);
    peer.start();
    if (role == Role::candidate) peer.campaign();
    if (role == Role::leader) peer.lead();
    ASSERT_EQ(peer.raw->role(), role);
    (void)peer.step(append(7, 0, 0, {})).ok();
    EXPECT_EQ(peer.raw->term(), 7u);
    EXPECT_EQ(peer.raw->role(), Role::follower);
    EXPECT_EQ(peer.raw->leader(), 2u);
  }
}

TEST(RaftPaper, AStaleTermIsRejected) {
  Peer peer(1);
  peer.start(5);
  (void)peer.step(append(4, 0, 0, {{4, 1, EntryType::normal, "old"}}, 1)).ok();
  EXPECT_EQ(peer.storage.last_index(), 0u);
  EXPECT_EQ(peer.raw->leader(), kNone);
}

TEST(RaftPaper, ServersStartAsFollowers) { EXPECT_EQ(Peer(1).start().raw->role(), Role::follower); }

TEST(RaftPaper, ALeaderSendsHeartbeatsToAll) {
  Peer peer(1);
  peer.start().lead();
  peer.sent.clear();
  peer.tick();
  const auto beats = peer.take(MessageType::heartbeat);
  ASSERT_EQ(beats.size(), 2u);
  EXPECT_EQ(beats[0].to, 2u);
  EXPECT_EQ(beats[1].to, 3u);
}

// Section 5.2: silence starts an election; the candidate votes for itself and asks the others.
TEST(RaftPaper, SilenceStartsAnElection) {
  for (const bool already_candidate : {false, true}) {
    Peer peer(1);
    peer.start(1);
    if (already_candidate) peer.campaign();
    const Term before = peer.raw->term();
    peer.sent.clear();
    peer.tick(2 * peer.config.election_tick - 1);
    EXPECT_GT(peer.raw->term(), before);
    EXPECT_EQ(peer.raw->role(), Role::candidate);
    EXPECT_EQ(peer.raw->status().vote, 1u);
    EXPECT_EQ(peer.storage.hard_state().vote, 1u) << "its own vote is on disk";
    EXPECT_EQ(peer.take(MessageType::vote).size(), 2u);
  }
}

TEST(RaftPaper, AMajorityElects) {
  const struct {
    std::size_t size;
    int yes, no;
    Role role;
  } cases[] = {{1, 0, 0, Role::leader},    {3, 2, 0, Role::leader},   {3, 1, 0, Role::leader},
               {5, 4, 0, Role::leader},    {5, 2, 0, Role::leader},   {5, 2, 2, Role::leader},
               {3, 0, 2, Role::follower},  {5, 0, 4, Role::follower}, {5, 1, 3, Role::follower},
               {3, 0, 0, Role::candidate}, {5, 1, 0, Role::candidate}};
  for (const auto& test : cases) {
    std::vector<PeerId> voters;
    for (PeerId id = 1; id <= test.size; ++id) voters.push_back(id);
    Peer peer(1, voters);
    peer.start();
    peer.campaign();
    PeerId from = 2;
    for (int i = 0; i < test.yes + test.no; ++i) {
      Message vote = message_from(from++, MessageType::vote_resp, peer.raw->term());
      vote.reject = i >= test.yes;
      (void)peer.step(vote).ok();
    }
    EXPECT_EQ(peer.raw->role(), test.role)
        << test.size << " voters, " << test.yes << " yes, " << test.no << " no";
  }
}

TEST(RaftPaper, OneVotePerTermFirstComeFirstServed) {
  Peer peer(1);
  peer.start();
  for (const auto& [from, granted] : {std::pair<PeerId, bool>{2, true}, {3, false}, {2, true}}) {
    (void)peer.step(vote_request(from, 1, 0, 0)).ok();
    const auto answers = peer.take(MessageType::vote_resp);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].reject, !granted) << from;
  }
  EXPECT_EQ(peer.storage.hard_state().vote, 2u);
}

TEST(RaftPaper, WhoFollowsALeaderOfTheTermVotesForNobodyElseInIt) {
  Peer peer(1);
  peer.start();
  (void)peer.step(append(1, 0, 0, {})).ok();
  ASSERT_EQ(peer.raw->leader(), 2u);
  ASSERT_EQ(peer.storage.hard_state().vote, kNone);
  peer.sent.clear();
  (void)peer.step(vote_request(3, 1, 0, 0)).ok();
  EXPECT_TRUE(peer.take(MessageType::vote_resp).at(0).reject);
}

TEST(RaftPaper, AVoteOutlivesACrash) {
  Peer peer(1);
  peer.start();
  (void)peer.step(vote_request(2, 1, 0, 0)).ok();
  peer.sent.clear();
  peer.raw = std::make_unique<RawNode>(peer.config, peer.storage);
  (void)peer.step(vote_request(3, 1, 0, 0)).ok();
  EXPECT_TRUE(peer.take(MessageType::vote_resp).at(0).reject);
}

TEST(RaftPaper, ACandidateYieldsToALeaderOfItsTerm) {
  for (const Term ahead : {0, 1}) {
    Peer peer(1);
    peer.start();
    peer.campaign();
    (void)peer.step(append(peer.raw->term() + ahead, 0, 0, {})).ok();
    EXPECT_EQ(peer.raw->role(), Role::follower);
    EXPECT_EQ(peer.raw->leader(), 2u);
  }
}

TEST(RaftPaper, ElectionTimeoutsAreSpreadOverOneToTwoTimeouts) {
  std::set<int> seen;
  Config config;
  for (config.seed = 1; config.seed <= 400; ++config.seed) {
    Peer peer(1, {1, 2, 3}, config);
    peer.start();
    int ticks = 0;
    for (; peer.raw->role() == Role::follower; ++ticks) peer.tick();
    EXPECT_GE(ticks, config.election_tick);
    EXPECT_LT(ticks, 2 * config.election_tick);
    seen.insert(ticks);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(config.election_tick))
      << "every value of the range is drawn";
}

// Section 5.3: the log.
TEST(RaftPaper, AProposalIsAppendedAndSentWithWhatComesBefore) {
  Peer peer(1);
  peer.start().lead();
  peer.accept_appends();
  peer.sent.clear();
  ASSERT_TRUE(peer.propose("x").ok());
  EXPECT_EQ(peer.storage.last_index(), 2u);
  EXPECT_EQ(peer.raw->commit(), 1u);
  const auto sent = peer.take(MessageType::app);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].index, 1u);
  EXPECT_EQ(sent[0].log_term, 1u);
  EXPECT_EQ(sent[0].entries, (std::vector<Entry>{{1, 2, EntryType::normal, "x"}}));
}

TEST(RaftPaper, AMajorityCommitsAndFollowersHearOfIt) {
  Peer peer(1);
  peer.start().lead();
  peer.accept_appends();
  (void)peer.propose("x").ok();
  peer.accept_appends();
  EXPECT_EQ(peer.raw->commit(), 2u);
  EXPECT_EQ(peer.applied.back().data, "x");
  const auto news = peer.take(MessageType::app);
  ASSERT_FALSE(news.empty());
  EXPECT_EQ(news.back().commit, 2u);
}

TEST(RaftPaper, CommittingAnEntryCommitsThoseBeforeIt) {
  for (const auto& log : {std::vector<Term>{}, {2}, {1, 2}, {1}}) {
    Peer peer(1);
    peer.start(2, log).lead();
    (void)peer.propose("x").ok();
    peer.accept_appends();
    peer.accept_appends();
    EXPECT_EQ(peer.applied.size(), log.size() + 2);
  }
}

TEST(RaftPaper, AFollowerAppliesWhatTheLeaderSaysIsCommitted) {
  Peer peer(1);
  peer.start();
  const std::vector<Entry> entries{{1, 1, EntryType::normal, "a"}, {1, 2, EntryType::normal, "b"}};
  (void)peer.step(append(1, 0, 0, entries, 1)).ok();
  EXPECT_EQ(peer.applied.size(), 1u);
  (void)peer.step(append(1, 2, 1, {}, 2)).ok();
  EXPECT_EQ(peer.applied, entries);
}

// What follows the leader's last word in its own log may be another leader's: it is not committed by that
// word.
TEST(RaftPaper, AFollowerCommitsNothingBeyondWhatTheLeaderSent) {
  Peer peer(1);
  peer.start(2, {1, 2, 2});
  (void)peer.step(append(3, 1, 1, {}, 3)).ok();
  EXPECT_EQ(peer.raw->commit(), 1u);
  (void)peer.step(append(3, 1, 1, {{3, 2, EntryType::normal, "n"}}, 3)).ok();
  EXPECT_EQ(peer.raw->commit(), 2u);
  EXPECT_EQ(peer.log_terms(), (std::vector<Term>{1, 3}));
}

TEST(RaftPaper, AFollowerChecksTheEntryBefore) {
  const struct {
    Term term;
    Index index;
    bool reject;
  } cases[] = {{0, 0, false}, {1, 1, false}, {2, 2, false}, {1, 2, true}, {3, 3, true}};
  for (const auto& test : cases) {
    Peer peer(1);
    peer.start(2, {1, 2}, 1);
    (void)peer.step(append(3, test.index, test.term, {})).ok();
    const auto answers = peer.take(MessageType::app_resp);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].reject, test.reject) << test.index;
    if (test.reject) {
      EXPECT_LE(answers[0].reject_hint, 2u);
    }
  }
}

TEST(RaftPaper, AFollowerDropsWhatConflicts) {
  const struct {
    Index index;
    Term term;
    std::vector<Term> sent, log;
  } cases[] = {{2, 2, {3}, {1, 2, 3}}, {1, 1, {3, 4}, {1, 3, 4}}, {0, 0, {1}, {1, 2}}, {0, 0, {3}, {3}}};
  for (const auto& test : cases) {
    Peer peer(1);
    peer.start(2, {1, 2});
    std::vector<Entry> entries;
    for (const Term term : test.sent)
      entries.push_back({term, test.index + entries.size() + 1, EntryType::normal, "n"});
    (void)peer.step(append(4, test.index, test.term, entries)).ok();
    EXPECT_EQ(peer.log_terms(), test.log);
  }
}

// Figure 7: whatever a follower's log looks like, the leader makes it equal to its own.
TEST(RaftPaper, ALeaderBringsEveryLogOfFigure7IntoLine) {
  const std::vector<Term> leader_log{1, 1, 1, 4, 4, 5, 5, 6, 6, 6};
  for (const auto& log : {std::vector<Term>{1, 1, 1, 4, 4, 5, 5, 6, 6},
                          {1, 1, 1, 4},
                          {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},
                          {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},
                          {1, 1, 1, 4, 4, 4, 4},
                          {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}}) {
    Peer leader(1), follower(2);
    leader.start(8, leader_log);
    follower.start(7, log);
    leader.lead();
    (void)leader.propose("x").ok();
    int rounds = 0;
    for (; rounds < 20 && !(leader.sent.empty() && follower.sent.empty()); ++rounds) {
      for (auto& message : std::exchange(leader.sent, {}))
        if (message.to == 2) (void)follower.step(message).ok();
      for (auto& message : std::exchange(follower.sent, {}))
        if (message.to == 1) (void)leader.step(message).ok();
    }
    EXPECT_LT(rounds, 10) << "conflict hints skip whole terms";
    EXPECT_EQ(follower.log_terms(), leader.log_terms());
    EXPECT_EQ(follower.raw->commit(), leader.raw->commit());
  }
}

// Section 5.4.1: only a log that is as complete gets the vote.
TEST(RaftPaper, AVoterRefusesALogOlderThanItsOwn) {
  const struct {
    std::vector<Term> log;
    Term term;
    Index index;
    bool reject;
  } cases[] = {{{1}, 1, 1, false}, {{1}, 1, 2, false}, {{1, 1}, 1, 1, true},
               {{1}, 2, 1, false}, {{1}, 2, 2, false}, {{1, 1}, 2, 1, false},
               {{2}, 1, 1, true},  {{2}, 1, 2, true},  {{2, 1}, 1, 1, true}};
  for (const auto& test : cases) {
    Peer peer(1);
    peer.start(2, test.log);
    (void)peer.step(vote_request(2, 3, test.term, test.index)).ok();
    EXPECT_EQ(peer.take(MessageType::vote_resp).at(0).reject, test.reject);
  }
}

// Section 5.4.2, figure 8: entries of older terms are never committed by counting.
TEST(RaftPaper, OnlyEntriesOfTheOwnTermAreCommittedByCounting) {
  Peer peer(1);
  peer.start(2, {1, 2}).lead();
  ASSERT_EQ(peer.raw->term(), 3u);
  Message answer = message_from(2, MessageType::app_resp, 3);
  for (const Index index : {1, 2}) {
    answer.index = index;
    (void)peer.step(answer).ok();
    EXPECT_EQ(peer.raw->commit(), 0u);
  }
  answer.index = 3;
  (void)peer.step(answer).ok();
  EXPECT_EQ(peer.raw->commit(), 3u);
}

}  // namespace
}  // namespace swarm::raft
