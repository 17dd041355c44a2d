// Transport: frames to and from peers over links. Real: TLS over TCP. Simulated: a network with faults, in
// which certificates are values. Both judge peers by the same rules (ca/policy).
//
// A link is one connection, named by a number of this node's own. Frames on an open link may still be lost (a
// fault plan says so, or the link dies): nothing above relies on delivery. A closed link is a *hint* that the
// peer died.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/certificate.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "raft/message.hpp"

namespace swarm::ports {

// What travels: one of Raft's messages, or one of the swarm's.
using Frame = std::variant<raft::Message, wire::Message>;

using LinkId = std::uint64_t;  // never reused within a run of the node

// The principal of a link that opens now: what the peer's certificate proves, and the Raft id that its Hello
// claims. Both transports make principals here and nowhere else. Without a certificate the peer is a
// stranger, whatever it claims: it may ask for the root certificate, and to join.
inline model::Principal principal_of(const std::optional<model::Certificate>& peer, const wire::Hello& hello,
                                     WallTime now) {
  if (!peer) return {};
  const bool renews = now < peer->not_before || peer->not_after <= now;
  return {peer->cluster, peer->node, peer->role, hello.raft_id, peer->not_before, renews};
}

// What a node proves itself with, and whom it believes.
//
//   roots, certificate, key   a node of a swarm
//   roots                     a node on its way in that knows its swarm's root: it believes managers, and is
//                             a stranger to them
//   nothing                   outside: it believes no peer, and each is a stranger to it
struct Credentials {
  std::string certificate_pem, key_pem;
  std::string roots_pem;   // one root certificate or several
  std::string ticket_key;  // seals what peers resume their sessions with; empty: a key of this process alone
  bool operator==(const Credentials&) const = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Accept links at `address`. Fails at once when the address is in use or not of this machine.
  virtual Result<void> listen(const Address& address) = 0;
  virtual void stop_listening() = 0;
  // Starts a link; LinkOpened or LinkClosed follows. `source`: the address to connect from (port ignored).
  virtual LinkId open(const Address& to, const Address& source, const wire::Hello& hello) = 0;
  // From now on links open with these; those that are open stay. An error in a sentence when they cannot be
  // used: then nothing has changed.
  virtual Result<void> set_credentials(const Credentials& credentials) = 0;
  // What this node says of itself on links that others open.
  virtual void set_identity(const wire::Hello& hello) = 0;
  // Sends, or drops in silence when the link is gone. Sending before LinkOpened is allowed: frames wait in
  // order.
  virtual void send(LinkId link, Frame frame) = 0;
  // LinkClosed does not follow.
  virtual void close(LinkId link) = 0;
};

}  // namespace swarm::ports
