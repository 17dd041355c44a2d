// Linearizable reads without log entries (dissertation section 6.4, ReadIndex).
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/mistake.hpp"
#include "raft/core.hpp"
#include "raft/message.hpp"
#include "raft/quorum.hpp"
#include "raft/raft.hpp"

namespace swarm::raft {

bool Raft::committed_in_own_term() const { return log.term_or_zero(log.committed()) == term; }

void Raft::on_read_index(const Message& message) {
  // Until an entry of its own term is committed a new leader does not know how far the log was committed.
  // That goes for a group of one, too: after a restart its commit index may be older than what it has
  // answered for.
  if (!committed_in_own_term()) {
    waiting_reads_.push_back(message);
    return;
  }
  serve_read(message);
}

void Raft::serve_read(const Message& request) {
  const bool alone = tracker.is_singleton() && tracker.config.voters.incoming.voters.contains(config.id);
  const bool unasked =
      config.read_only == ReadOnly::lease_based || SWARM_MISTAKE("raft.reads-without-a-quorum");
  if (alone || unasked) return answer_read(request, log.committed());
  const std::string& context = request.entries.front().data;
  const auto known = std::any_of(reads_.begin(), reads_.end(),
                                 [&](const PendingRead& read) { return read.context == context; });
  if (!known) reads_.push_back({context, request, log.committed(), {{config.id, true}}});
  broadcast_heartbeat(context);
}

void Raft::answer_read(const Message& request, Index index) {
  if (request.from == kNone || request.from == config.id) {
    read_states.push_back({index, request.entries.front().data});
    return;
  }
  Message answer;
  answer.type = MessageType::read_index_resp;
  answer.to = request.from;
  answer.index = index;
  answer.entries = request.entries;
  send(std::move(answer));
}

void Raft::on_read_ack(PeerId from, const std::string& context) {
  const auto it = std::find_if(reads_.begin(), reads_.end(),
                               [&](const PendingRead& read) { return read.context == context; });
  if (it == reads_.end()) return;
  it->acks[from] = true;
  release_confirmed_reads();
}

// A member that confirms this leader for a read confirms it for all earlier ones. For a smaller configuration
// the acknowledgements that are there may be enough; in a group of one no member is left to send another.
void Raft::release_confirmed_reads() {
  const auto newest = std::find_if(reads_.rbegin(), reads_.rend(), [&](const PendingRead& read) {
    return tracker.config.voters.vote_result(read.acks) == VoteResult::won;
  });
  const std::vector<PendingRead> done(reads_.begin(), newest.base());
  reads_.erase(reads_.begin(), newest.base());
  for (const PendingRead& read : done) answer_read(read.request, read.index);
}

void Raft::release_waiting_reads() {
  if (waiting_reads_.empty() || !committed_in_own_term()) return;
  const std::vector<Message> waiting = std::exchange(waiting_reads_, {});
  for (const Message& request : waiting) serve_read(request);
}

}  // namespace swarm::raft
