// Tracker: the configuration in force, the progress of each of its members, and the votes of the present
// election.
#pragma once

#include <map>
#include <set>
#include <string>

#include "raft/progress.hpp"
#include "raft/quorum.hpp"

namespace swarm::raft {

using ProgressMap = std::map<PeerId, Progress>;  // ordered: messages go out by ascending id

struct TrackerConfig {
  JointConfig voters;
  bool auto_leave = false;
  std::set<PeerId> learners;
  std::set<PeerId> learners_next;
  bool operator==(const TrackerConfig&) const = default;
  std::string str() const;
};

struct Tracker {
  TrackerConfig config;
  ProgressMap progress;
  Votes votes;
  std::size_t max_inflight = 0;
  std::uint64_t max_inflight_bytes = 0;

  ConfState conf_state() const;
  bool is_singleton() const { return config.voters.incoming.voters.size() == 1 && !config.voters.is_joint(); }
  Index committed() const;
  bool quorum_active() const;
  void record_vote(PeerId id, bool granted) { votes.try_emplace(id, granted); }
  VoteResult tally() const { return config.voters.vote_result(votes); }
};

}  // namespace swarm::raft
