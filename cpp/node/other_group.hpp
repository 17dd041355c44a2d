// OtherGroup: sees that a second Raft group of this very swarm lives, with a leader of its own: a manager has
// made a new group of itself (--force-new-cluster), and its former members, which were thought to be lost,
// came back and elected one of them. The two groups share identity and root, so that nothing but the member
// lists tells them apart. The other leader still counts this manager as a member and sends to it; this
// manager tells it, and both say so to their users. NOT here: whether a frame is believed (permissions).
#pragma once

#include <cstdint>
#include <limits>
#include <map>

#include "base/id.hpp"
#include "base/time.hpp"
#include "node/permissions.hpp"

namespace swarm::node {

// In place of a session's number in a SessionRefused: the sender is in another group. Builds that do not know
// it take it for news of an earlier session.
inline constexpr std::uint64_t kOfOtherGroup = std::numeric_limits<std::uint64_t>::max();

// Returns true for what only a leader sends, denied because its sender is no member of this manager's group.
bool is_of_other_leader(const ports::Frame& frame, Denial denial);

class OtherGroup {
 public:
  // A leader that is no member has sent something. A leader that was taken out a moment ago does that, too,
  // until it notices. Returns true once a second from then on when it must be another group: time to tell it.
  bool on_leader(NodeId node, Instant now);
  // A member says that it is in another group. Returns true the first time.
  bool on_told(NodeId node, Instant now);
  // Returns true the first time since the contact began.
  bool take_news(NodeId node);

  // The manager that was heard of last and lately; empty: none.
  NodeId present(Instant now) const;

 private:
  struct Contact {
    Instant first, last, tell_at;
    bool is_certain = false;
    bool is_told = false;  // to this node's user
  };
  Contact& contact(NodeId node, Instant now);

  std::map<NodeId, Contact> contacts_;
};

}  // namespace swarm::node
