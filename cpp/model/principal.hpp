// Principal: the node that speaks on a link. It is made once, when the link opens, by the transport
// (ports::principal_of), and it is the only source of an identity: no handler takes one out of a message.
//
// How far each field can be trusted:
//   cluster, node, role   proved: the organisation, common name and organisational unit of its certificate
//   valid_from, renews    proved: from when on its certificate is valid, and whether it was not when the link
//                         opened: not yet, or no more
//   raft_id               a claim of its Hello: a certificate does not name it. A manager believes it where
//                         its member list gives that id to this very node (node/permissions)
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "model/node.hpp"

namespace swarm::model {

struct Principal {
  ClusterId cluster;  // empty: a stranger, without a certificate
  NodeId node;
  NodeRole role = NodeRole::worker;
  std::uint64_t raft_id = 0;  // 0: no member of the Raft group
  WallTime valid_from{};
  bool renews = false;  // it may ask for its next certificate, and for nothing else
  bool operator==(const Principal&) const = default;
};

}  // namespace swarm::model
