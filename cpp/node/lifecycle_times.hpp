// How long this node is patient on its way into a swarm and out of it (docs/design/timings.md).
#pragma once

#include <optional>

#include "base/time.hpp"

namespace swarm::node {

inline constexpr Duration kResend = Duration::millis(500);
// Docker's: then the API answers, and the joining goes on.
inline constexpr Duration kJoinPatience = Duration::seconds(20);
inline constexpr Duration kDialPatience = Duration::seconds(5);  // no manager answers at the given addresses
// A client may read and write this node at once when init or join has answered: it is not answered before the
// node is READY and its object quiet. A swarm that is too slow for that is no reason to answer never.
inline constexpr Duration kSettlePatience = Duration::seconds(5);
inline constexpr Duration kRaftRetry = Duration::seconds(1);
inline constexpr Duration kLeavePatience = Duration::seconds(3);

// The node is in the swarm. Returns true if it has come to rest, or has waited long enough for that.
inline bool has_settled(bool settled, std::optional<Instant>& settle_by, Instant now) {
  if (!settle_by) settle_by = now + kSettlePatience;
  return settled || *settle_by <= now;
}

}  // namespace swarm::node
