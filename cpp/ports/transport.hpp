// Transport: frames to and from peers over links. Real: TCP (TLS later). Simulated: a network with faults.
//
// A link is one connection, named by a number of this node's own. Frames on an open link may still be lost (a
// fault plan says so, or the link dies): nothing above relies on delivery. A closed link is a *hint* that the
// peer died.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "raft/message.hpp"

namespace swarm::ports {

// What travels: one of Raft's messages, or one of the swarm's.
using Frame = std::variant<raft::Message, wire::Message>;

using LinkId = std::uint64_t;  // never reused within a run of the node

// The principal of a link whose peer opened it with `hello`. Both transports make principals here and nowhere
// else, so this is the one place that mutual TLS changes: the peer's certificate takes the Hello's place for
// everything but `raft_id`. Until then any program that reaches the port can claim to be any node.
inline model::Principal principal_of(const wire::Hello& hello) {
  return {hello.cluster, hello.node, hello.role, hello.raft_id};
}

class Transport {
 public:
  virtual ~Transport() = default;
  // Accept links at `address`. Fails at once when the address is in use or not of this machine.
  virtual Result<void> listen(const Address& address) = 0;
  virtual void stop_listening() = 0;
  // Starts a link; LinkOpened or LinkClosed follows. `source`: the address to connect from (port ignored).
  virtual LinkId open(const Address& to, const Address& source, const wire::Hello& hello) = 0;
  // What this node says of itself on links that others open.
  virtual void set_identity(const wire::Hello& hello) = 0;
  // Sends, or drops in silence when the link is gone. Sending before LinkOpened is allowed: frames wait in
  // order.
  virtual void send(LinkId link, Frame frame) = 0;
  // LinkClosed does not follow.
  virtual void close(LinkId link) = 0;
};

}  // namespace swarm::ports
