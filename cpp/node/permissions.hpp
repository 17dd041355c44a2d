// Permissions: which node may send which message. Each message has one row: its name, its permitted senders,
// the end that must have opened its link, the part that takes it, and the node that it is about (its
// subject), which must be the sender itself. A message without a row does not compile (swarmkit ca/auth.go,
// manager/manager.go: "tls.authorized").
//
// The sender is the link's principal (model/principal.hpp): what the peer's certificate proves. Beside that:
//   - A node speaks for itself only: a subject that is not the principal is refused.
//   - Answers count only on links that this node opened, and requests only on links that the peer opened:
//     no peer can push an assignment or a reply at a node that did not ask it.
//   - A manager believes that a peer is a manager only where its own member list says so, too (is_manager): a
//     certificate outlives a demotion.
//   - A node that was removed from the swarm is told so, and heard in nothing else, whatever it can prove.
//   - A node whose certificate has expired a short while ago may ask for the next one, and for nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "model/principal.hpp"
#include "model/wire.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

// `coming_manager`: its certificate says that it is a manager, the Raft group does not know it yet.
enum class Sender : std::uint8_t { anyone, member, coming_manager, manager };
// Which end opened the link that the message travels on. `asks`: its sender. `answers`: its receiver.
enum class Way : std::uint8_t { asks, answers };
// The part of a node that takes the message.
enum class Part : std::uint8_t { replica, membership, dispatcher, api, lifecycle, logs, agent };

// Between which members of the Raft group a message travels.
struct RaftEnds {
  std::uint64_t from = 0, to = 0;
};

struct Permission {
  const char* name;
  Sender sender;
  Way way;
  Part part;
  std::optional<NodeId> subject = {};
  std::optional<RaftEnds> ends = {};
  bool even_if_removed = false;
  bool even_if_expired = false;
};
Permission permission(const ports::Frame& frame);
Permission permission(const wire::Message& message);

// What the receiver of a frame knows by itself.
struct Hearer {
  ClusterId cluster;                                                    // empty: outside every swarm
  std::uint64_t raft_id = 0;                                            // 0: no manager
  const std::map<std::uint64_t, wire::ManagerPeer>* members = nullptr;  // null: no manager
  const std::set<std::uint64_t>* removed = nullptr;                     // Raft ids of past members
  std::uint64_t leader = 0;  // the Raft id of the leader that it hears (its own if it leads); 0: none
  const std::set<NodeId>* removed_nodes = nullptr;  // from the swarm; null: none is known
  // A manager: its store says that the peer's node is a worker, and did so then. Nothing: it does not.
  std::optional<WallTime> worker_as_of = {};
};

enum class Denial : std::uint8_t {
  stranger,         // the peer has no certificate
  another_swarm,    // the peer is not in this node's swarm
  role,             // a worker sent what only managers send
  unknown_manager,  // it claims to be a manager, and this manager knows of no such member
  subject,          // it speaks for another node
  direction,        // an answer that was not asked for, or a request on a link that this node opened
  stale,            // it is a past member of the Raft group, or speaks to one
  rule,             // it may speak, and says what no member can mean (node/judge)
  removed,          // it was removed from the swarm
  expired,          // its certificate has expired, and it wants something else than the next one
  pace,             // it asks more often than an honest node does (node/pace)
};
inline constexpr std::size_t kDenials = static_cast<std::size_t>(Denial::pace) + 1;

struct DenialRow {
  const char* word;      // of the metric's label
  const char* sentence;  // of the log
  bool closes;           // the peer broke a rule: a link that it opened is closed
  bool logged;           // false: peers that are merely behind send such frames every day
};
const DenialRow& row_of(Denial denial);

// Returns true if `who` may speak as a manager to `hearer`. A worker believes the managers that it dialled. A
// manager asks its member list: the Raft id must be there, under the principal's node. A manager that does
// not know the id at all may be behind: it refuses the claim while it leads or hears another leader. While it
// hears none, it lets the claim pass, because it may need the new member's vote, or its log; but not that of
// a node which its store has as a worker since the claimed certificate was made: that is one of a manager
// that was demoted.
bool is_manager(const model::Principal& who, const Hearer& hearer);

// Returns why `who` may not send `frame` to `hearer`; nothing if it may. `way`: which end opened the link.
std::optional<Denial> check(const model::Principal& who, Way way, const Hearer& hearer,
                            const ports::Frame& frame);

}  // namespace swarm::node
