// Who may say what: role x message, and what is not listed is denied.
//
// The identity is the Hello's. Until mutual TLS proves it, a peer is what it claims; the table is here from
// the start so that TLS only has to make the claim true (swarmkit ca/auth.go).
#pragma once

#include "model/wire.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

// May a peer that introduced itself with `peer` send `frame` to a node of cluster `own`?
bool may_send(const wire::Hello& peer, ClusterId own, const ports::Frame& frame);

}  // namespace swarm::node
