// Spoken: what a member of the Raft group says to others, held against what its disk would still have after a
// power cut at this moment (Raft section 5.2: a server persists before it responds). And, for an entry that a
// leader calls committed, which of the voters would still have it.
//
// NOT here: whether what is said is right (raft_checks). Both read values of a disk, and change nothing.
#pragma once

#include <optional>
#include <string>

#include "raft/message.hpp"
#include "sim/sim_disk.hpp"

namespace swarm::sim {

// Returns what the message promises and the disk would have forgotten; nothing if it would keep the promise.
std::optional<std::string> unkept(const raft::Message& message, const SimDisk& disk);

// Returns true if the disk of the member `id` would still have this stored entry, or a store that has applied
// it. A disk that belongs to another member by now says nothing: true.
bool surely_has(const SimDisk& disk, raft::PeerId id, raft::Index index, const std::string& stored);

}  // namespace swarm::sim
