// The follower: takes entries, heartbeats and snapshots from a leader, and passes on what only a leader can
// do.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/core.hpp"
#include "raft/log.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"
#include "raft/tracker.hpp"

// A role ignores the types of messages that its switch does not name, as etcd's step functions do.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::raft {

namespace {
Error dropped() { return plain_error(Code::unavailable, "raft proposal dropped"); }
}  // namespace

void Raft::become_follower(Term to_term, PeerId its_leader) {
  reset(to_term);
  leader = its_leader;
  role = Role::follower;
}

Result<void> Raft::step_follower(Message& message) {
  switch (message.type) {
    case MessageType::prop:
      if (leader == kNone || config.disable_proposal_forwarding) return dropped();
      message.to = leader;
      send(std::move(message));
      return {};
    case MessageType::app:
      election_elapsed_ = 0;
      leader = message.from;
      handle_append(message);
      return {};
    case MessageType::heartbeat:
      election_elapsed_ = 0;
      leader = message.from;
      handle_heartbeat(message);
      return {};
    case MessageType::snap:
      election_elapsed_ = 0;
      leader = message.from;
      handle_snapshot(message);
      return {};
    case MessageType::transfer_leader:
    case MessageType::read_index:
      if (leader == kNone) return {};
      message.to = leader;
      send(std::move(message));
      return {};
    case MessageType::forget_leader:
      // With leases a leader may still serve reads that a new leader's writes would contradict.
      if (config.read_only != ReadOnly::lease_based) leader = kNone;
      return {};
    case MessageType::timeout_now:
      hup(Campaign::transfer);
      return {};
    case MessageType::read_index_resp:
      if (message.entries.size() == 1) read_states.push_back({message.index, message.entries[0].data});
      return {};
    default:
      return {};
  }
}

void Raft::handle_append(const Message& message) {
  Message answer;
  answer.type = MessageType::app_resp;
  answer.to = message.from;
  if (message.index < log.committed() && has_or_had({message.log_term, message.index})) {
    answer.index = common_with(message);
    return send(std::move(answer));
  }
  if (const auto last =
          log.maybe_append({message.log_term, message.index}, message.entries, message.commit)) {
    answer.index = *last;
    return send(std::move(answer));
  }
  // The hint lets the leader skip a whole term of entries that cannot match (section 5.3, last paragraphs).
  const EntryId hint = log.find_conflict_by_term(std::min(message.index, log.last_index()), message.log_term);
  answer.index = message.index;
  answer.reject = true;
  answer.reject_hint = hint.index;
  answer.log_term = hint.term;
  send(std::move(answer));
}

// Of a committed entry that is no longer in the log there is no other.
bool Raft::has_or_had(EntryId id) const {
  return log.matches(id) || log.term(id.index).error == LogError::compacted;
}

// Returns how far this log is the leader's, of an append that begins below its commit. A leader that knows of
// the commit has all of it. One that does not may have lost entries that were acknowledged: told of this
// commit it would count entries of this log as those that it writes there itself, and commit them.
Index Raft::common_with(const Message& append) const {
  Index last = append.index;
  for (const Entry& entry : append.entries) {
    if (entry.index > log.committed()) break;
    if (!has_or_had({entry.term, entry.index})) return last;
    last = entry.index;
  }
  return append.commit >= log.committed() ? log.committed() : last;
}

void Raft::handle_heartbeat(const Message& message) {
  log.commit_to(message.commit);
  Message answer;
  answer.type = MessageType::heartbeat_resp;
  answer.to = message.from;
  answer.context = message.context;
  send(std::move(answer));
}

void Raft::handle_snapshot(const Message& message) {
  Message answer;
  answer.type = MessageType::app_resp;
  answer.to = message.from;
  const bool taken = message.snapshot && restore(*message.snapshot);
  answer.index = log.last_index();
  if (!taken) answer.index = message.snapshot ? std::min(log.committed(), message.snapshot->index) : 0;
  send(std::move(answer));
}

bool Raft::restore(const Snapshot& snapshot) {
  if (snapshot.index <= log.committed()) return false;
  if (role != Role::follower) {
    become_follower(term + 1, kNone);
    return false;
  }
  const ConfState& conf = snapshot.conf_state;
  const auto in = [this](const std::vector<PeerId>& ids) {
    return std::find(ids.begin(), ids.end(), config.id) != ids.end();
  };
  if (!in(conf.voters) && !in(conf.learners) && !in(conf.voters_outgoing)) return false;
  if (log.matches({snapshot.term, snapshot.index})) {
    log.commit_to(snapshot.index);  // the log has it all: no need to throw it away
    return false;
  }
  log.restore(snapshot);
  Tracker fresh;
  fresh.max_inflight = tracker.max_inflight;
  fresh.max_inflight_bytes = tracker.max_inflight_bytes;
  const auto restored = raft::restore(fresh, log.last_index(), conf);
  SWARM_CHECK(restored.ok(), restored.ok() ? "" : restored.error().message);
  switch_to(*restored);
  return true;
}

}  // namespace swarm::raft
