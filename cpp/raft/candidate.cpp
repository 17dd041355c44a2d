// The candidate and the pre-candidate: elections (Raft section 5.2; pre-vote: dissertation section 9.6).
#include <utility>
#include "base/check.hpp"
#include "base/result.hpp"
#include "raft/core.hpp"
#include "raft/log.hpp"
#include "raft/message.hpp"
#include "raft/quorum.hpp"
#include "raft/raft.hpp"

// A role ignores the types of messages that its switch does not name, as etcd's step functions do.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::raft {

void Raft::hup(Campaign kind) {
  if (role == Role::leader || !promotable()) return;
  // A committed membership change that is not applied yet decides who votes: wait for it.
  if (has_unapplied_conf_changes()) return;
  if (term + 1 >= kTermBound) return;  // the terms are used up: no member would hear of the next one
  campaign(kind);
}

void Raft::become_candidate() {
  SWARM_CHECK(role != Role::leader);
  reset(term + 1);
  vote = config.id;
  role = Role::candidate;
}

// Changes neither term nor vote: a pre-candidate only asks.
void Raft::become_pre_candidate() {
  SWARM_CHECK(role != Role::leader);
  tracker.votes.clear();
  leader = kNone;
  role = Role::pre_candidate;
}

void Raft::campaign(Campaign kind) {
  Message request;
  if (kind == Campaign::pre_election) {
    become_pre_candidate();
    request.type = MessageType::pre_vote;
    request.term = term + 1;
  } else {
    become_candidate();
    request.type = MessageType::vote;
    request.term = term;
  }
  const EntryId last = log.last_id();
  for (const PeerId id : tracker.config.voters.ids()) {
    Message message = request;
    message.to = id;
    if (id == config.id) {
      // Its own vote counts once it is on disk, like any other's.
      message.type = kind == Campaign::pre_election ? MessageType::pre_vote_resp : MessageType::vote_resp;
      send(std::move(message));
      continue;
    }
    message.index = last.index;
    message.log_term = last.term;
    if (kind == Campaign::transfer) message.context = "CampaignTransfer";
    send(std::move(message));
  }
}

Result<void> Raft::step_candidate(Message& message) {
  const MessageType my_answer =
      role == Role::pre_candidate ? MessageType::pre_vote_resp : MessageType::vote_resp;
  switch (message.type) {
    case MessageType::prop:
      return plain_error(Code::unavailable, "raft proposal dropped");
    case MessageType::app:
      become_follower(message.term, message.from);
      handle_append(message);
      return {};
    case MessageType::heartbeat:
      become_follower(message.term, message.from);
      handle_heartbeat(message);
      return {};
    case MessageType::snap:
      become_follower(message.term, message.from);
      handle_snapshot(message);
      return {};
    default:
      break;
  }
  if (message.type != my_answer) return {};
  tracker.record_vote(message.from, !message.reject);
  switch (tracker.tally()) {
    case VoteResult::won:
      if (role == Role::pre_candidate) {
        campaign(Campaign::election);
      } else {
        become_leader();
        broadcast_append();
      }
      break;
    case VoteResult::lost:
      become_follower(term, kNone);
      break;
    case VoteResult::pending:
      break;
  }
  return {};
}

}  // namespace swarm::raft
