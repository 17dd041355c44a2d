// The leader: appends, replicates, commits (Raft sections 5.3 and 5.4), and watches its followers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/core.hpp"
#include "raft/message.hpp"
#include "raft/progress.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"

// A role ignores the types of messages that its switch does not name, as etcd's step functions do.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::raft {

void Raft::become_leader() {
  SWARM_CHECK(role != Role::follower);
  reset(term);
  leader = config.id;
  role = Role::leader;
  Progress& self = tracker.progress.at(config.id);
  self.become_replicate();
  self.recent_active = true;
  // An unapplied membership change may be in the log: allow the next one only when all of it is applied.
  pending_conf_index = log.last_index();
  SWARM_CHECK(append_entries({Entry{}}), "the first entry of a term cannot be refused");
}

void Raft::tick_leader() {
  ++heartbeat_elapsed_;
  ++election_elapsed_;
  if (election_elapsed_ >= config.election_tick) {
    election_elapsed_ = 0;
    if (config.check_quorum) on_check_quorum();
    // A transfer that takes longer than an election is given up.
    if (role == Role::leader) transfer_target = kNone;
  }
  if (role != Role::leader || heartbeat_elapsed_ < config.heartbeat_tick) return;
  heartbeat_elapsed_ = 0;
  broadcast_heartbeat(reads_.empty() ? std::string() : reads_.back().context);
}

// Long: one case for each type of message, as etcd's stepLeader has.
Result<void> Raft::step_leader(Message& message) {
  switch (message.type) {
    case MessageType::beat:
      broadcast_heartbeat(reads_.empty() ? std::string() : reads_.back().context);
      return {};
    case MessageType::check_quorum:
      on_check_quorum();
      return {};
    case MessageType::prop:
      return on_proposal(message);
    case MessageType::read_index:
      on_read_index(message);
      return {};
    case MessageType::forget_leader:
      return {};
    default:
      break;
  }
  const auto it = tracker.progress.find(message.from);
  if (it == tracker.progress.end()) return {};
  Progress& progress = it->second;
  switch (message.type) {
    case MessageType::app_resp:
      on_append_resp(message, progress);
      break;
    case MessageType::heartbeat_resp:
      on_heartbeat_resp(message, progress);
      break;
    case MessageType::snap_status:
      if (progress.state != ProgressState::snapshot) break;
      if (message.reject) progress.pending_snapshot = 0;
      progress.become_probe();
      // It will say itself when it has taken the snapshot, or a heartbeat finds out.
      progress.append_flow_paused = true;
      break;
    case MessageType::unreachable:
      if (progress.state == ProgressState::replicate) progress.become_probe();
      break;
    case MessageType::transfer_leader:
      on_transfer_leader(message, progress);
      break;
    default:
      break;
  }
  return {};
}

void Raft::on_check_quorum() {
  if (!tracker.quorum_active() && !SWARM_MISTAKE("raft.leads-without-a-quorum")) become_follower(term, kNone);
  for (auto& [id, progress] : tracker.progress)
    if (id != config.id) progress.recent_active = false;
}

// ---- proposals

Result<void> Raft::on_proposal(Message& message) {
  SWARM_CHECK(!message.entries.empty());
  const bool is_member = tracker.progress.contains(config.id);
  if (!is_member || transfer_target != kNone) return plain_error(Code::unavailable, "raft proposal dropped");
  filter_conf_changes(message.entries);
  if (!append_entries(std::move(message.entries)))
    return plain_error(Code::resource_exhausted, "raft proposal dropped");
  broadcast_append();
  return {};
}

// One membership change at a time; one that may not be now becomes an empty entry. So does one that could
// never be applied (the last voter removed): once committed it would stop every member.
void Raft::filter_conf_changes(std::vector<Entry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].type == EntryType::normal) continue;
    const ConfChangeV2 change = decode_conf_change(entries[i]);
    const bool leaves = change.changes.empty();
    const bool is_joint = tracker.config.voters.is_joint();
    const bool refused = pending_conf_index > log.applied() || is_joint != leaves ||
                         !apply_change(tracker, log.last_index(), change).ok();
    if (refused && !config.disable_conf_change_validation) {
      entries[i] = Entry{};
    } else {
      pending_conf_index = log.last_index() + i + 1;
    }
  }
}

bool Raft::append_entries(std::vector<Entry> entries) {
  std::uint64_t payload = 0;
  Index index = log.last_index();
  for (Entry& entry : entries) {
    entry.term = term;
    entry.index = ++index;
    payload += entry.data.size();
  }
  // At least one proposal is always let in, and empty entries always.
  if (uncommitted_size_ > 0 && payload > 0 && uncommitted_size_ + payload > config.max_uncommitted_size)
    return false;
  uncommitted_size_ += payload;
  Message own_ack;  // counts once the entries are on this node's disk
  own_ack.type = MessageType::app_resp;
  own_ack.to = config.id;
  own_ack.index = log.append(entries);
  send(std::move(own_ack));
  return true;
}

bool Raft::maybe_commit() {
  const Index index = tracker.committed();
  const bool of_any = SWARM_MISTAKE("raft.commits-entries-of-old-terms");
  return log.maybe_commit({of_any ? log.term_or_zero(index) : term, index});
}

// ---- sending

bool Raft::maybe_send_append(PeerId to, bool even_if_empty) {
  Progress& progress = tracker.progress.at(to);
  if (progress.paused()) return false;
  const Index previous = progress.next - 1;
  const auto previous_term = log.term(previous);
  if (!previous_term.ok()) return maybe_send_snapshot(to, progress);
  LogRead<std::vector<Entry>> read;
  // With a full window an empty append still goes: it finds out whether what filled the window was lost.
  if (progress.state != ProgressState::replicate || !progress.inflights.full())
    read = log.entries(progress.next, config.max_size_per_msg);
  if (read.value.empty() && !even_if_empty) return false;
  if (!read.ok()) return maybe_send_snapshot(to, progress);
  Message message;
  message.type = MessageType::app;
  message.to = to;
  message.index = previous;
  message.log_term = *previous_term;
  message.commit = log.committed();
  std::uint64_t payload = 0;
  for (const Entry& entry : read.value) payload += entry.data.size();
  const std::size_t count = read.value.size();
  message.entries = std::move(read.value);
  send(std::move(message));
  progress.sent_entries(count, payload);
  progress.sent_commit = log.committed();
  return true;
}

bool Raft::maybe_send_snapshot(PeerId to, Progress& progress) {
  if (!progress.recent_active) return false;
  const auto snapshot = log.snapshot();
  if (!snapshot) return false;  // not to be had right now
  SWARM_CHECK(!snapshot->empty(), "an empty snapshot for", to);
  Message message;
  message.type = MessageType::snap;
  message.to = to;
  message.snapshot = std::make_shared<Snapshot>(*snapshot);
  progress.become_snapshot(snapshot->index);
  send(std::move(message));
  return true;
}

void Raft::send_heartbeat(PeerId to, const std::string& context) {
  Progress& progress = tracker.progress.at(to);
  // Never beyond what the follower is known to have: its log may be shorter, or differ.
  const bool beyond = SWARM_MISTAKE("raft.tells-commits-beyond-what-a-member-has");
  const Index commit = beyond ? log.committed() : std::min(progress.match, log.committed());
  Message message;
  message.type = MessageType::heartbeat;
  message.to = to;
  message.commit = commit;
  message.context = context;
  send(std::move(message));
  progress.sent_commit = commit;
}

void Raft::send_timeout_now(PeerId to) {
  Message message;
  message.type = MessageType::timeout_now;
  message.to = to;
  send(std::move(message));
}

void Raft::broadcast_append() {
  for (const auto& [id, progress] : tracker.progress)
    if (id != config.id) send_append(id);
}

void Raft::broadcast_heartbeat(const std::string& context) {
  for (const auto& [id, progress] : tracker.progress)
    if (id != config.id) send_heartbeat(id, context);
}

// ---- answers

void Raft::on_append_resp(const Message& message, Progress& progress) {
  progress.recent_active = true;
  if (!message.reject) return on_append_accepted(message, progress);
  Index probe = message.reject_hint;
  // The follower's log has no term beyond log_term up to the hint: skip ours that are newer.
  if (message.log_term > 0) probe = log.find_conflict_by_term(message.reject_hint, message.log_term).index;
  if (!progress.maybe_decrease(message.index, probe)) return;
  if (progress.state == ProgressState::replicate) progress.become_probe();
  send_append(message.from);
}

void Raft::on_append_accepted(const Message& message, Progress& progress) {
  const bool moved = progress.maybe_update(message.index);
  if (!moved && !(progress.match == message.index && progress.state == ProgressState::probe)) return;
  if (progress.state == ProgressState::probe) {
    progress.become_replicate();
  } else if (progress.state == ProgressState::snapshot) {
    // It has caught up with this log, by whatever way: what it needs next is here.
    if (progress.match + 1 >= log.first_index()) {
      progress.become_probe();
      progress.become_replicate();
    }
  } else {
    progress.inflights.free_up_to(message.index);
  }
  if (maybe_commit()) {
    release_waiting_reads();
    broadcast_append();
  } else if (message.from != config.id && progress.can_bump_commit(log.committed())) {
    send_append(message.from);
  }
  if (message.from != config.id)
    while (maybe_send_append(message.from, false)) {
    }
  if (message.from == transfer_target && progress.match == log.last_index()) send_timeout_now(message.from);
}

void Raft::on_heartbeat_resp(const Message& message, Progress& progress) {
  progress.recent_active = true;
  progress.append_flow_paused = false;
  if (progress.match < log.last_index() || progress.state == ProgressState::probe) send_append(message.from);
  if (config.read_only == ReadOnly::safe && !message.context.empty())
    on_read_ack(message.from, message.context);
}

// Leadership transfer (dissertation section 3.10): the target is brought up to date, then told to campaign at
// once.
void Raft::on_transfer_leader(const Message& message, const Progress& progress) {
  if (progress.is_learner || transfer_target == message.from) return;
  transfer_target = kNone;
  if (message.from == config.id) return;
  election_elapsed_ = 0;
  transfer_target = message.from;
  if (progress.match == log.last_index()) {
    send_timeout_now(message.from);
  } else {
    send_append(message.from);
  }
}

}  // namespace swarm::raft
