// What all roles share: terms, votes, the two outboxes, and the answers of local storage.
#include "raft/core.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/progress.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"

// Here is what is the same in every role; all other types of messages go to the role.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::raft {

const char* to_string(Role role) {
  static constexpr const char* kNames[] = {"StateFollower", "StateCandidate", "StateLeader",
                                           "StatePreCandidate"};
  return kNames[static_cast<std::size_t>(role)];
}

Raft::Raft(const Config& its_config, const Storage& storage)
    : config(its_config), log(storage, its_config.max_committed_size_per_ready), rng_(its_config.seed) {
  SWARM_CHECK(config.id != kNone && config.election_tick > config.heartbeat_tick &&
              config.heartbeat_tick > 0);
  tracker.max_inflight = config.max_inflight_msgs;
  tracker.max_inflight_bytes = config.max_inflight_bytes;
  const InitialState initial = storage.initial_state();
  const auto restored = raft::restore(tracker, log.last_index(), initial.conf);
  SWARM_CHECK(restored.ok(), restored.ok() ? "" : restored.error().message);
  switch_to(*restored);
  if (!initial.hard.empty()) {
    SWARM_CHECK(log.committed() <= initial.hard.commit && initial.hard.commit <= log.last_index(), "commit",
                initial.hard.commit, "not in the log", log.committed(), log.last_index());
    log.commit_to(initial.hard.commit);
    term = initial.hard.term;
    vote = initial.hard.vote;
  }
  if (config.applied > 0) log.applied_to(config.applied, 0);
  become_follower(term, kNone);
}

namespace {

// Sound: no message does.
bool speaks_early(MessageType type) {
  return (type == MessageType::vote_resp && SWARM_MISTAKE("raft.votes-before-the-disk-has-it")) ||
         (type == MessageType::app_resp && SWARM_MISTAKE("raft.acknowledges-before-the-disk-has-it"));
}

}  // namespace

void Raft::send(Message message) {
  if (message.from == kNone) message.from = config.id;
  const bool of_election = message.type == MessageType::vote || message.type == MessageType::vote_resp ||
                           message.type == MessageType::pre_vote ||
                           message.type == MessageType::pre_vote_resp;
  // Votes name their own term; proposals and reads go to the leader, in whatever term.
  if (!of_election && message.type != MessageType::prop && message.type != MessageType::read_index)
    message.term = term;
  const bool early = message.to != config.id && speaks_early(message.type);
  if (!early && (message.type == MessageType::app_resp || message.type == MessageType::vote_resp ||
                 message.type == MessageType::pre_vote_resp)) {
    after_append.push_back(std::move(message));
    return;
  }
  SWARM_CHECK(message.to != config.id, "a message to itself", static_cast<int>(message.type));
  messages.push_back(std::move(message));
}

void Raft::reset(Term to_term) {
  if (term != to_term || SWARM_MISTAKE("raft.forgets-its-vote-when-it-steps-down")) {
    term = to_term;
    vote = kNone;
  }
  leader = kNone;
  election_elapsed_ = heartbeat_elapsed_ = 0;
  draw_election_timeout();
  transfer_target = kNone;
  tracker.votes.clear();
  for (auto& [id, progress] : tracker.progress) {
    Progress fresh;
    fresh.next = log.last_index() + 1;
    fresh.match = id == config.id ? log.last_index() : 0;
    fresh.is_learner = progress.is_learner;
    fresh.inflights = Inflights(tracker.max_inflight, tracker.max_inflight_bytes);
    progress = fresh;
  }
  pending_conf_index = 0;
  uncommitted_size_ = 0;
  reads_.clear();
  waiting_reads_.clear();  // the client asks the new leader again
}

void Raft::draw_election_timeout() {
  randomized_election_timeout =
      config.election_tick + static_cast<int>(rng_.below(static_cast<std::uint64_t>(config.election_tick)));
  hinted_ = false;
}

void Raft::tick() { role == Role::leader ? tick_leader() : tick_election(); }

void Raft::tick_election() {
  ++election_elapsed_;
  if (!promotable() || !past_election_timeout()) return;
  election_elapsed_ = 0;
  if (hinted_) draw_election_timeout();  // a hint hurries one election, not the ones after it
  hup(config.pre_vote ? Campaign::pre_election : Campaign::election);
}

bool Raft::promotable() const {
  const auto self = tracker.progress.find(config.id);
  return self != tracker.progress.end() && !self->second.is_learner && !log.has_snapshot();
}

void Raft::hint_leader_lost() {
  if (role != Role::follower || leader == kNone) return;
  leader = kNone;
  randomized_election_timeout = election_elapsed_ + 1 + static_cast<int>(rng_.below(2));
  hinted_ = true;
}

// ---- every message

Result<void> Raft::step(Message message) {
  if (message.term > term) {
    if (!observe_term(message)) return {};
  } else if (message.term != 0 && message.term < term) {
    answer_old_term(message);
    return {};
  }
  switch (message.type) {
    case MessageType::hup:
      hup(config.pre_vote ? Campaign::pre_election : Campaign::election);
      return {};
    case MessageType::storage_append_resp:
      on_storage_append_resp(message);
      return {};
    case MessageType::storage_apply_resp:
      on_storage_apply_resp(message);
      return {};
    case MessageType::vote:
    case MessageType::pre_vote:
      on_vote_request(message);
      return {};
    default:
      return step_role(message);
  }
}

Result<void> Raft::step_role(Message& message) {
  switch (role) {
    case Role::leader:
      return step_leader(message);
    case Role::follower:
      return step_follower(message);
    case Role::candidate:
    case Role::pre_candidate:
      break;
  }
  return step_candidate(message);
}

// A message of a newer term. False: it is ignored, because this node has heard from a leader lately
// (section 4.2.3 of the dissertation: a removed or partitioned node must not disturb the others).
bool Raft::observe_term(const Message& message) {
  if (message.type == MessageType::vote || message.type == MessageType::pre_vote) {
    const bool forced = message.context == "CampaignTransfer";
    if (!forced && config.check_quorum && hears_leader()) return false;
  }
  if (message.type == MessageType::pre_vote) return true;  // a pre-vote raises no member's term
  if (message.type == MessageType::pre_vote_resp && !message.reject) return true;  // of the term to come
  const bool from_leader = message.type == MessageType::app || message.type == MessageType::heartbeat ||
                           message.type == MessageType::snap;
  become_follower(message.term, from_leader ? message.from : kNone);
  return true;
}

void Raft::answer_old_term(const Message& message) {
  if ((config.check_quorum || config.pre_vote) &&
      (message.type == MessageType::heartbeat || message.type == MessageType::app)) {
    // A leader of an older term that this node's votes cannot reach: tell it, so that it steps down and this
    // node can take part again.
    Message answer;
    answer.type = MessageType::app_resp;
    answer.to = message.from;
    send(std::move(answer));
  } else if (message.type == MessageType::pre_vote) {
    Message answer;
    answer.type = MessageType::pre_vote_resp;
    answer.to = message.from;
    answer.term = term;
    answer.reject = true;
    send(std::move(answer));
  } else if (message.type == MessageType::storage_append_resp && message.snapshot) {
    // Entries of an older term may have been overwritten since, but a snapshot is a snapshot.
    applied_snapshot(*message.snapshot);
  }
}

void Raft::on_vote_request(const Message& message) {
  const bool is_pre = message.type == MessageType::pre_vote;
  const bool can_vote = vote == message.from || (vote == kNone && leader == kNone) ||
                        (is_pre && message.term > term) || SWARM_MISTAKE("raft.votes-twice-in-a-term");
  Message answer;
  answer.type = is_pre ? MessageType::pre_vote_resp : MessageType::vote_resp;
  answer.to = message.from;
  const bool up_to_date = log.is_up_to_date({message.log_term, message.index});
  if (can_vote && (up_to_date || SWARM_MISTAKE("raft.votes-for-a-shorter-log"))) {
    // In the candidate's term: that of a pre-vote is still to come.
    answer.term = message.term;
    send(std::move(answer));
    if (!is_pre) {
      election_elapsed_ = 0;
      vote = message.from;
    }
    return;
  }
  answer.term = term;
  answer.reject = true;
  send(std::move(answer));
}

// ---- local storage

void Raft::on_storage_append_resp(const Message& message) {
  if (message.index != 0) log.stable_to({message.log_term, message.index});
  if (message.snapshot) applied_snapshot(*message.snapshot);
}

void Raft::on_storage_apply_resp(const Message& message) {
  if (message.entries.empty()) return;
  applied_to(message.entries.back().index, entries_size(message.entries));
  std::uint64_t payload = 0;
  for (const Entry& entry : message.entries) payload += entry.data.size();
  uncommitted_size_ -= std::min(uncommitted_size_, payload);
}

void Raft::applied_to(Index index, std::uint64_t size) {
  const Index now_applied = std::max(index, log.applied());
  log.applied_to(now_applied, size);
  if (!tracker.config.auto_leave || now_applied < pending_conf_index || role != Role::leader) return;
  // The joint configuration is in force everywhere that matters: propose to leave it. Refused proposals (a
  // transfer is under way) come again with the next applied entry.
  Message proposal;
  proposal.type = MessageType::prop;
  proposal.from = config.id;
  proposal.entries.push_back(encode_conf_change({}));
  (void)step(std::move(proposal)).ok();
}

void Raft::applied_snapshot(const Snapshot& snapshot) {
  log.stable_snapshot_to(snapshot.index);
  applied_to(snapshot.index, 0);
}

bool Raft::has_unapplied_conf_changes() const {
  if (log.applied() >= log.committed()) return false;
  const auto read = log.slice(log.applied() + 1, log.committed() + 1, kNoLimit);
  SWARM_CHECK(read.ok(), to_string(read.error));
  return std::any_of(read.value.begin(), read.value.end(),
                     [](const Entry& entry) { return entry.type != EntryType::normal; });
}

Status Raft::status() const {
  Status status;
  status.id = config.id;
  status.term = term;
  status.vote = vote;
  status.leader = leader;
  status.role = role;
  status.commit = log.committed();
  status.applied = log.applied();
  status.last_index = log.last_index();
  status.transfer_target = transfer_target;
  status.conf_change_pending = role == Role::leader && pending_conf_index > log.applied();
  status.config = tracker.config;
  if (role == Role::leader) status.progress = tracker.progress;
  return status;
}

}  // namespace swarm::raft
