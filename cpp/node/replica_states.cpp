// Are the managers' states the same? When a leader names an entry, what a replica compares and answers, and
// what becomes known of a difference (node/state_check, adr 40).
#include <cstdint>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "docker/inside.hpp"
#include "node/replica.hpp"
#include "node/replica_disk.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

constexpr Duration kLooks = Duration::seconds(1);  // between two entries that a leader names

}  // namespace

void Replica::mark_state(raft::Message& message) const {
  if (message.type == raft::MessageType::heartbeat) message.state = states_.to_say(message.to);
  if (message.type == raft::MessageType::heartbeat_resp) message.state = states_.answer();
}

// What was applied stays true in every term: late words do no harm.
void Replica::note_state(const raft::Message& message) {
  if (!message.state) return;
  const raft::StateMark& mark = *message.state;
  if (message.type == raft::MessageType::heartbeat_resp) return states_.on_answer(message.from, mark);
  if (message.type != raft::MessageType::heartbeat) return;
  if (mark.index == store_->version()) states_.note(store_->version(), state_hash(*store_));
  states_.on_leader(mark, store_->version());
  tell_own_difference();
}

void Replica::note_own_state() {
  states_.note(store_->version(), state_hash(*store_));
  tell_own_difference();
}

void Replica::tell_own_difference() {
  const bool differs = states_.differs_at() != 0;
  if (std::exchange(differed_, differs) == differs) return;
  core_.trace(differs ? "warning.state" : "state", [&] {
    return differs ? state_problem() : "this manager's copy of the swarm's state is the leader's again";
  });
}

// A leader that is outvoted hands over to a member that has the majority's state, which then finds it among
// its followers. Where that does not help within a look, it goes at once.
void Replica::look_at_states() {
  next_look_ = core_.now + kLooks;
  if (members_.size() < 2) return;
  const StateCheck::Finding found = states_.judge({raft_id_, voters(), learners()});
  if (found.right != raft::kNone && difference_.right != raft::kNone) outvoted_at_ = found.index;
  if (found.right != raft::kNone) transfer_leadership(found.right);
  if (found.differing != difference_.differing || found.right != difference_.right) tell_difference(found);
  difference_ = found;
  states_.name(store_->version(), state_hash(*store_));
}

void Replica::tell_difference(const StateCheck::Finding& found) {
  if (found.index == 0) return core_.trace("state", [] { return "the managers' copies are the same again"; });
  difference_ = found;
  core_.meters.states_differing += found.differing.size();
  core_.trace("warning.state", [&] { return state_problem(); });
  for (const std::uint64_t member : found.differing) {
    docker::RaftEvent event;
    event.term = raft_->term();
    event.action = "state-differs";
    event.subject = member;
    event.index = found.index;
    tell(std::move(event));
  }
}

std::string Replica::state_problem() const {
  if (leadership_.is_elected()) return difference_.index == 0 ? "" : difference_in_words();
  if (states_.differs_at() == 0) return "";
  return "this manager's copy of the swarm's state is not the leader's at entry " +
         std::to_string(states_.differs_at()) +
         ": what the two answer may differ. The one that a majority of the managers does not share is "
         "rebuilt. "
         "Where no majority agrees, compare what each answers, demote the one that is wrong, and promote it "
         "again";
}

std::string Replica::difference_in_words() const {
  std::string names;
  for (const std::uint64_t member : difference_.differing)
    names += (names.empty() ? "" : ", ") + name_of(member);
  const std::string text = "the copies of the swarm's state differ at entry " +
                           std::to_string(difference_.index) + " between this manager and " + names + ": ";
  if (difference_.leader_is_right)
    return text + "a majority has this one's. What differs joins again as a new member";
  if (difference_.right != raft::kNone)
    return text + "a majority has that of " + name_of(difference_.right) +
           ". This manager hands over to it, and joins again as a new member";
  return text +
         "no majority has the same, so that none can be called wrong, and all stay. Compare what each "
         "answers, "
         "demote the one that is wrong, and promote it again";
}

}  // namespace swarm::node
