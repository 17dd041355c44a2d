// Quorums: which index is committed, and how a vote stands, for a majority and for a joint configuration.
// Pure arithmetic (Raft dissertation chapter 4); nothing here knows of logs or messages.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "raft/message.hpp"

namespace swarm::raft {

enum class VoteResult : std::uint8_t { pending, lost, won };
const char* to_string(VoteResult result);  // "VoteWon"

// The index that a voter has acknowledged; nothing when it is not known.
using AckedIndex = std::function<std::optional<Index>(PeerId)>;
using Votes = std::map<PeerId, bool>;

struct MajorityConfig {
  std::set<PeerId> voters;

  // The largest index that a majority has acknowledged. An empty majority commits everything: kNoLimit.
  Index committed_index(const AckedIndex& acked) const;
  // The same by counting instead of sorting: slower, obviously right; tests compare the two.
  Index slow_committed_index(const AckedIndex& acked) const;
  // Voters who have not voted count for neither side. An empty majority has won.
  VoteResult vote_result(const Votes& votes) const;
  std::string describe(const AckedIndex& acked) const;
  std::string str() const;  // "(1 2 3)"
  bool operator==(const MajorityConfig&) const = default;
};

// Two majorities that must both agree; `outgoing` is empty outside a joint change.
struct JointConfig {
  MajorityConfig incoming, outgoing;

  Index committed_index(const AckedIndex& acked) const;
  VoteResult vote_result(const Votes& votes) const;
  std::set<PeerId> ids() const;
  std::string describe(const AckedIndex& acked) const;
  std::string str() const;  // "(1 2)&&(1)"
  bool is_joint() const { return !outgoing.voters.empty(); }
  bool operator==(const JointConfig&) const = default;
};

}  // namespace swarm::raft
