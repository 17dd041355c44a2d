#include "raft/quorum.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include "raft/message.hpp"

namespace swarm::raft {

const char* to_string(VoteResult result) {
  switch (result) {
    case VoteResult::pending:
      return "VotePending";
    case VoteResult::lost:
      return "VoteLost";
    case VoteResult::won:
      return "VoteWon";
  }
  return "?";
}

Index MajorityConfig::committed_index(const AckedIndex& acked) const {
  if (voters.empty()) return kNoLimit;
  std::vector<Index> indexes;
  indexes.reserve(voters.size());
  for (const PeerId id : voters) indexes.push_back(acked(id).value_or(0));
  // The (n/2+1)-th largest: that many voters, a majority, have at least it.
  const auto place = indexes.begin() + static_cast<std::ptrdiff_t>((voters.size() - 1) / 2);
  std::nth_element(indexes.begin(), place, indexes.end());
  return *place;
}

Index MajorityConfig::slow_committed_index(const AckedIndex& acked) const {
  if (voters.empty()) return kNoLimit;
  Index best = 0;
  for (const PeerId candidate : voters) {
    const Index index = acked(candidate).value_or(0);
    const auto count = std::count_if(voters.begin(), voters.end(),
                                     [&](PeerId id) { return acked(id).value_or(0) >= index; });
    if (static_cast<std::size_t>(count) > voters.size() / 2) best = std::max(best, index);
  }
  return best;
}

VoteResult MajorityConfig::vote_result(const Votes& votes) const {
  if (voters.empty()) return VoteResult::won;
  std::size_t yes = 0, missing = 0;
  for (const PeerId id : voters) {
    const auto vote = votes.find(id);
    if (vote == votes.end()) {
      ++missing;
    } else if (vote->second) {
      ++yes;
    }
  }
  const std::size_t quorum = voters.size() / 2 + 1;
  if (yes >= quorum) return VoteResult::won;
  return yes + missing >= quorum ? VoteResult::pending : VoteResult::lost;
}

std::string MajorityConfig::str() const {
  std::string text = "(";
  for (const PeerId id : voters) text += (text.size() > 1 ? " " : "") + std::to_string(id);
  return text + ")";
}

// A bar chart: the bar of a voter is as long as the number of voters with a smaller index.
std::string MajorityConfig::describe(const AckedIndex& acked) const {
  if (voters.empty()) return "<empty majority quorum>";
  const std::size_t count = voters.size();
  std::string text = std::string(count, ' ') + "    idx\n";
  for (const PeerId id : voters) {
    const auto index = acked(id);
    const auto lower =
        static_cast<std::size_t>(std::count_if(voters.begin(), voters.end(), [&](PeerId other) {
          const auto its = acked(other);
          return index && (its ? std::pair(1, *its) : std::pair(0, Index{0})) < std::pair(1, *index);
        }));
    if (index) {
      text += std::string(lower, 'x') + ">" + std::string(count - lower, ' ');
    } else {
      text += "?" + std::string(count, ' ');
    }
    char row[64];
    std::snprintf(row, sizeof row, " %5llu    (id=%llx)\n",
                  static_cast<unsigned long long>(index.value_or(0)), static_cast<unsigned long long>(id));
    text += row;
  }
  return text;
}

Index JointConfig::committed_index(const AckedIndex& acked) const {
  return std::min(incoming.committed_index(acked), outgoing.committed_index(acked));
}

VoteResult JointConfig::vote_result(const Votes& votes) const {
  const VoteResult one = incoming.vote_result(votes), two = outgoing.vote_result(votes);
  if (one == two) return one;
  return one == VoteResult::lost || two == VoteResult::lost ? VoteResult::lost : VoteResult::pending;
}

std::set<PeerId> JointConfig::ids() const {
  std::set<PeerId> all = incoming.voters;
  all.insert(outgoing.voters.begin(), outgoing.voters.end());
  return all;
}

std::string JointConfig::describe(const AckedIndex& acked) const {
  return MajorityConfig{ids()}.describe(acked);
}

std::string JointConfig::str() const {
  return is_joint() ? incoming.str() + "&&" + outgoing.str() : incoming.str();
}

}  // namespace swarm::raft
