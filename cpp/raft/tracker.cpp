#include "raft/tracker.hpp"
#include <optional>
#include <set>
#include <string>
#include <vector>
#include "raft/message.hpp"
#include "raft/quorum.hpp"

namespace swarm::raft {
namespace {

std::vector<PeerId> sorted(const std::set<PeerId>& ids) { return {ids.begin(), ids.end()}; }

}  // namespace

std::string TrackerConfig::str() const {
  std::string text = "voters=" + voters.str();
  if (!learners.empty()) text += " learners=" + MajorityConfig{learners}.str();
  if (!learners_next.empty()) text += " learners_next=" + MajorityConfig{learners_next}.str();
  if (auto_leave) text += " autoleave";
  return text;
}

ConfState Tracker::conf_state() const {
  return {sorted(config.voters.incoming.voters), sorted(config.learners),
          sorted(config.voters.outgoing.voters), sorted(config.learners_next), config.auto_leave};
}

Index Tracker::committed() const {
  return config.voters.committed_index([this](PeerId id) -> std::optional<Index> {
    const auto it = progress.find(id);
    if (it == progress.end()) return std::nullopt;
    return it->second.match;
  });
}

bool Tracker::quorum_active() const {
  Votes active;
  for (const auto& [id, its] : progress)
    if (!its.is_learner) active[id] = its.recent_active;
  return config.voters.vote_result(active) == VoteResult::won;
}

}  // namespace swarm::raft
