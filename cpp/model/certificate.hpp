// Certificate: what a node's certificate says, as a value. The subject is Docker's: CN is the node, OU its
// role, O the swarm. Both worlds have it: the real one reads it out of X.509 (real/tls/x509), the simulated
// one writes it down as it is. NOT here: what it must say to be believed (ca/policy).
#pragma once

#include <string>

#include "model/node.hpp"

namespace swarm::model {

struct Certificate {
  NodeId node;
  NodeRole role = NodeRole::worker;
  ClusterId cluster;
  WallTime not_before, not_after;
  std::string issuer;           // which root signed it: the root's key identifier (Crypto::root_id)
  std::string cross_signed_by;  // another root that vouches for the issuer (RootRotation); empty: none
  bool operator==(const Certificate&) const = default;
};

// The organisational unit that stands for a role (swarmkit ca/certificates.go).
inline const char* unit_of(NodeRole role) {
  return role == NodeRole::manager ? "swarm-manager" : "swarm-worker";
}

}  // namespace swarm::model
