// The rules of certificates, without a certificate's bytes: what one is to say, whom a node believes, and
// when one is to be renewed. Both worlds ask here (real/tls, sim/network). Pure. NOT here: keys and
// signatures (ports::Crypto), who may send what (node/permissions).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"

namespace swarm::ca {

inline constexpr Duration kLeastExpiry = Duration::seconds(3600);
// A certificate is valid from a while before it was made: clocks differ (swarmkit ca/certificates.go).
inline constexpr Duration kBackdate = Duration::seconds(3600);

// After its end a certificate still serves for this long to ask for the next one, and for nothing else.
inline constexpr Duration kRenewalGrace = Duration::seconds(7LL * 24 * 3600);

// When a certificate counts as made. Not before anything that the log has: managers compare it with the log's
// time of a demotion (node/permissions), and a leader's wrong clock may have put the log ahead of the
// calendar. Within what a certificate is backdated by, so that it is valid at once; else by the clock alone.
WallTime made_at(WallTime now, WallTime log);

// What the leader signs for a node. Whole seconds, as in X.509.
model::Certificate to_issue(NodeId node, model::NodeRole role, ClusterId cluster, Duration life,
                            WallTime now);
// The role in a node's certificate: a manager's for one that is one, or is to become one. One that is demoted
// keeps it until it is out of the Raft group.
model::NodeRole role_of(const model::Node& node);

// Whom a node believes.
struct Trust {
  std::vector<std::string> roots;  // identifiers of the root certificates (Crypto::root_id)
  ClusterId cluster;               // the node's own; empty: it has none yet
};

enum class Distrust : std::uint8_t {
  not_shown,      // the peer showed no certificate, and a stranger will not do
  another_root,   // a root that the node does not know has signed it
  another_swarm,  // it is of another swarm
  not_yet,        // it is not valid yet
  expired,        // and it is too late to renew it, or more is wanted than that
  no_manager,     // a node that is dialled for its manager's part is none
};
const char* sentence_of(Distrust distrust);

// Which part the peer has to have.
enum class Expected : std::uint8_t {
  anyone,   // strangers are served, too: they may ask to join
  member,   // a node of the swarm
  manager,  // a node of the swarm that is a manager
};

// Returns why the peer is not believed; nothing if it is. `peer`: nothing when it showed no certificate.
// Where strangers are served, so is a node whose certificate has just expired, or is not valid yet because a
// clock was wrong: it may renew it (model::Principal::renews).
std::optional<Distrust> judge(const std::optional<model::Certificate>& peer, Expected expected,
                              const Trust& trust, WallTime now);

// What this node expects of the other end of a link for management (2377): whom it dials is a manager, and
// who dials it may be a stranger. A node that believes no root yet takes no one for anything.
Expected expected_of(bool dialled, const Trust& trust);

// Returns true when no manager renews the certificate any more.
bool is_too_late(const model::Certificate& certificate, WallTime now);

// When to ask for the next certificate: at a point drawn from 50 to 80 % of its life (swarmkit
// ca/renewer.go).
WallTime renewal_time(const model::Certificate& certificate, Rng& rng);

}  // namespace swarm::ca
