// Waits: which part goes on when a batch is on disk, and with what. Data and no closure: a part that has gone
// meanwhile is not found, and the one in its place has another Life.
#pragma once

#include <cstdint>
#include <variant>

#include "base/id.hpp"
#include "model/node.hpp"

namespace swarm::node {

// A number per replica and agent that this node has had.
using Life = std::uint64_t;

struct ReplicaStored {  // Replica::on_stored
  Life replica = 0;
};
struct RecordsStored {  // AgentPart::on_stored
  Life agent = 0;
};
// Lifecycle::on_stored: the identity is on disk, and this step has waited for it.
struct IdentityStored {
  enum class Then : std::uint8_t { start_agent, begin_replica, wipe_replica, follow_lock };
  Then then = Then::start_agent;
  std::uint64_t raft_id = 0;  // of the replica that begins
  std::uint64_t lock = 0;     // the number of the lock that the disk has now
};
// The node may say that it has this certificate: a crash no longer takes it away. The leader forgets an old
// root as soon as all nodes have said so.
struct CertificateStored {
  model::TlsInfo tls;
};
struct GroupStored {};  // of this manager alone: its replica begins
using Waits = std::variant<std::monostate, ReplicaStored, RecordsStored, IdentityStored, CertificateStored,
                           GroupStored>;

}  // namespace swarm::node
