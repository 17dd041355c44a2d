// Raft, the machine behind RawNode. One file per role: follower.cpp, candidate.cpp, leader.cpp; what all
// roles share is in core.cpp, reads in read_only.cpp, membership in membership.cpp.
//
// Two outboxes keep the one rule of durability: a message that speaks for this node's log or vote (append and
// vote responses, also those to itself) goes to `after_append` and must wait for the disk; the rest may go at
// once.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "raft/conf_change.hpp"
#include "raft/log.hpp"
#include "raft/raft.hpp"

namespace swarm::raft {

class Raft {
 public:
  Raft(const Config& config, const Storage& storage);

  Result<void> step(Message message);
  void tick();
  ConfState apply_conf_change(const ConfChangeV2& change);
  void hint_leader_lost();
  bool hears_leader() const {
    return leader != kNone && (role == Role::leader || election_elapsed_ < config.election_tick);
  }

  SoftState soft_state() const { return {leader, role}; }
  HardState hard_state() const { return {term, vote, log.committed()}; }
  Status status() const;
  bool asks_for_reads() const { return !reads_.empty(); }

  // ---- state. Public: RawNode and the roles are one machine; only raft/*.cpp include this header.
  const Config config;
  Log log;
  Tracker tracker;
  Role role = Role::follower;
  Term term = 0;
  PeerId vote = kNone;
  PeerId leader = kNone;
  bool is_learner = false;
  std::vector<Message> messages;
  std::vector<Message> after_append;
  std::vector<ReadState> read_states;
  int randomized_election_timeout = 0;
  PeerId transfer_target = kNone;
  Index pending_conf_index = 0;  // no second membership change before this one is applied

  void reseed(std::uint64_t seed) { rng_ = Rng(seed); }

 private:
  // core.cpp
  void send(Message message);
  void reset(Term to_term);
  void draw_election_timeout();
  bool observe_term(const Message& message);
  void answer_old_term(const Message& message);
  void on_vote_request(const Message& message);
  void on_storage_append_resp(const Message& message);
  void on_storage_apply_resp(const Message& message);
  Result<void> step_role(Message& message);
  bool promotable() const;
  bool past_election_timeout() const { return election_elapsed_ >= randomized_election_timeout; }
  void applied_to(Index index, std::uint64_t size);
  void applied_snapshot(const Snapshot& snapshot);
  bool has_unapplied_conf_changes() const;

  // follower.cpp
  void become_follower(Term to_term, PeerId its_leader);
  Result<void> step_follower(Message& message);
  void handle_append(const Message& message);
  bool has_or_had(EntryId id) const;
  Index common_with(const Message& append) const;
  void handle_heartbeat(const Message& message);
  void handle_snapshot(const Message& message);
  bool restore(const Snapshot& snapshot);

  // candidate.cpp
  enum class Campaign : std::uint8_t { pre_election, election, transfer };
  void hup(Campaign kind);
  void campaign(Campaign kind);
  void become_candidate();
  void become_pre_candidate();
  Result<void> step_candidate(Message& message);

  // leader.cpp
  void become_leader();
  void tick_leader();
  void tick_election();
  Result<void> step_leader(Message& message);
  Result<void> on_proposal(Message& message);
  void filter_conf_changes(std::vector<Entry>& entries);
  void on_append_resp(const Message& message, Progress& progress);
  void on_append_accepted(const Message& message, Progress& progress);
  void on_heartbeat_resp(const Message& message, Progress& progress);
  void on_transfer_leader(const Message& message, const Progress& progress);
  void on_check_quorum();
  bool append_entries(std::vector<Entry> entries);
  bool maybe_commit();
  bool maybe_send_append(PeerId to, bool even_if_empty);
  bool maybe_send_snapshot(PeerId to, Progress& progress);
  void send_append(PeerId to) { maybe_send_append(to, true); }
  void send_heartbeat(PeerId to, const std::string& context);
  void send_timeout_now(PeerId to);
  void broadcast_append();
  void broadcast_heartbeat(const std::string& context);

  // read_only.cpp
  void on_read_index(const Message& message);
  void serve_read(const Message& request);
  void answer_read(const Message& request, Index index);
  void on_read_ack(PeerId from, const std::string& context);
  void release_confirmed_reads();
  void release_waiting_reads();
  bool committed_in_own_term() const;

  // membership.cpp
  ConfState switch_to(const Changed& changed);

  Rng rng_;
  int election_elapsed_ = 0;
  int heartbeat_elapsed_ = 0;
  bool hinted_ = false;  // hint_leader_lost() shortened the election timeout
  std::uint64_t uncommitted_size_ = 0;
  struct PendingRead {
    std::string context;
    Message request;
    Index index = 0;
    Votes acks;
  };
  std::deque<PendingRead> reads_;       // waiting for a quorum of heartbeats, oldest first
  std::vector<Message> waiting_reads_;  // until this leader has committed an entry of its own term
};

}  // namespace swarm::raft
