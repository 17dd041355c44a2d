// Remembered: does a majority hang on what one member of the Raft group remembers?
//
// Raft bears no member that forgets (section 5.2). A copy of an older disk that comes back whole is found by
// the engine only when a leader that counts on more is heard; before that it may vote. So a run in which
// nothing may break lets a disk go back only while every other voter has on its own disk all that this one
// has said: then no election and no commit needs its word. NOT here: disks that go back (world_copies).
#pragma once

#include "sim/machine.hpp"

namespace swarm::sim {

// Returns true if the other voters are a majority, and each of them runs, leads or follows in this member's
// term and configuration, and has its last entry on disk: none can become another leader of that term.
bool others_remember(const Machines& machines, const Machine& at);

}  // namespace swarm::sim
