// How long this node waits on its way into a swarm and out of it (docs/design/timings.md).
#pragma once

#include <optional>

#include "base/time.hpp"

namespace swarm::node {

inline constexpr Duration kResend = Duration::millis(500);
// Docker's: after it the API answers, and the node goes on joining.
inline constexpr Duration kJoinPatience = Duration::seconds(20);
inline constexpr Duration kDialPatience = Duration::seconds(5);  // no manager answers at the given addresses
// Init and join answer only when the node is READY and its object at rest, so that a client may read and
// write it at once. A slow swarm delays the answer by no more than this.
inline constexpr Duration kSettlePatience = Duration::seconds(5);
inline constexpr Duration kRaftRetry = Duration::seconds(1);
// A leader that hears no majority, and a follower that hears no leader, know it by then (raft's check
// quorum).
inline constexpr Duration kNoticesLoss = Duration::seconds(3);
// Longer than the leader waits for the others, and than a manager needs to notice that there is no leader.
inline constexpr Duration kLeavePatience = Duration::seconds(4);

// The node is in the swarm. Returns true if it has come to rest, or has waited long enough for that.
inline bool has_settled(bool settled, std::optional<Instant>& settle_by, Instant now) {
  if (!settle_by) settle_by = now + kSettlePatience;
  return settled || *settle_by <= now;
}

}  // namespace swarm::node
