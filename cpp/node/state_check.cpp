#include "node/state_check.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "base/id.hpp"
#include "raft/message.hpp"

namespace swarm::node {

// ---- every member

void StateCheck::note(raft::Index index, Uint128 hash) {
  own_.insert_or_assign(index, hash);
  if (own_.size() > kKept) own_.erase(own_.begin());
  const auto leaders = wanted_.find(index);
  if (leaders != wanted_.end()) compare(leaders->second, hash);
  wanted_.erase(wanted_.begin(), wanted_.upper_bound(index));
}

// ---- a follower

// One that is far behind keeps the first entries that it comes to: else later ones would always take their
// place.
void StateCheck::on_leader(const raft::StateMark& mark, raft::Index applied) {
  if (mark.level != level_) return;
  const auto own = own_.find(mark.index);
  if (own != own_.end()) return compare(mark, own->second);
  if (mark.index <= applied) return;
  wanted_.insert_or_assign(mark.index, mark);
  if (wanted_.size() > kKept) wanted_.erase(std::prev(wanted_.end()));
}

// An old verdict is of no weight where both agree at a later entry: the object that differed was written
// since.
void StateCheck::compare(const raft::StateMark& leaders, Uint128 own) {
  if (leaders.hash == own) {
    if (leaders.index >= differs_at_) differs_at_ = 0;
    return;
  }
  differs_at_ = std::max(differs_at_, leaders.index);
  if (leaders.outvoted) outvoted_at_ = leaders.index;
}

std::optional<raft::StateMark> StateCheck::answer() const {
  if (own_.empty()) return std::nullopt;
  const auto& [index, hash] = *own_.rbegin();
  return raft::StateMark{index, hash, level_, false};
}

// ---- the leader

void StateCheck::name(raft::Index index, Uint128 hash) {
  note(index, hash);
  rounds_[index].hash = hash;
  if (rounds_.size() > kKept) rounds_.erase(rounds_.begin());
}

void StateCheck::on_answer(raft::PeerId from, const raft::StateMark& mark) {
  const auto round = rounds_.find(mark.index);
  if (mark.level == level_ && round != rounds_.end()) round->second.answers[from] = mark.hash;
}

std::optional<raft::StateMark> StateCheck::to_say(raft::PeerId to) const {
  if (const auto outvoted = outvoted_.find(to); outvoted != outvoted_.end()) return outvoted->second;
  if (rounds_.empty()) return std::nullopt;
  const auto& [index, round] = *rounds_.rbegin();
  return raft::StateMark{index, round.hash, level_, false};
}

// The latest entry at which anything can be said counts: what differed before it may be the same by now.
StateCheck::Finding StateCheck::judge(const Group& group) {
  outvoted_.clear();
  for (auto round = rounds_.rbegin(); round != rounds_.rend(); ++round) {
    Finding found = judge(round->first, round->second, group);
    if (found.index == 0 && !all_answered(round->second, group)) continue;
    if (found.leader_is_right)
      for (const raft::PeerId member : found.differing)
        outvoted_[member] = {round->first, round->second.hash, level_, true};
    return found;
  }
  return {};
}

bool StateCheck::all_answered(const Round& round, const Group& group) {
  return std::ranges::all_of(
      group.voters, [&](raft::PeerId voter) { return voter == group.self || round.answers.contains(voter); });
}

StateCheck::Finding StateCheck::judge(raft::Index index, const Round& round, const Group& group) {
  Finding found;
  std::map<Uint128, std::set<raft::PeerId>> having;  // voters, by their state
  having[round.hash].insert(group.self);
  for (const auto& [member, hash] : round.answers) {
    const bool votes = group.voters.contains(member);
    if (hash != round.hash && (votes || group.learners.contains(member))) found.differing.insert(member);
    if (votes) having[hash].insert(member);
  }
  if (found.differing.empty()) return found;
  found.index = index;
  for (const auto& [hash, members] : having) {
    if (members.size() <= group.voters.size() / 2) continue;
    found.leader_is_right = hash == round.hash;
    if (!found.leader_is_right) found.right = *members.begin();
  }
  return found;
}

}  // namespace swarm::node
