// Witness: the machine whose view of the swarm a look shows. A look takes no time.
//
// A client asks, and is passed on to the leader, which makes sure that it still leads. A look cannot wait for
// that. It sees the whole world, and takes the leader of the newest term that reaches a quorum now. NOT here:
// what the witness says (World::look).
#pragma once

#include <memory>
#include <vector>

#include "sim/machine.hpp"

namespace swarm::sim {

enum class Standing : std::uint8_t {
  leads,       // with a quorum that it reaches
  last_known,  // a quorum can meet and has no leader just now; of those, it has applied most
  no_quorum,   // too few managers reach each other; of them, it has applied most
  no_manager,  // only workers and outsiders run
  nobody,      // nothing runs
};
struct Witness {
  Standing standing = Standing::nobody;
  const Machine* machine = nullptr;
};

// Returns true if nothing between them is cut, either way.
bool reach(const Network& network, const Machine& one, const Machine& other);

// `asked`: a manager; only machines that it could reach count. Null: all machines count.
Witness find_witness(const Machines& machines, const Network& network, const Machine* asked);

}  // namespace swarm::sim
