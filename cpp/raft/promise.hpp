// Promise: how much a member has said that it keeps, so that a disk which lost some of it is seen.
//
// Raft lets a member vote and acknowledge because it never forgets (section 5.2: currentTerm, votedFor and
// log are on stable storage). Before a member says anything, its host writes: each such write has a number
// and is chained to the one before. The host keeps both in the write itself, and, once that is durable, in a
// mark that lies elsewhere (ports/disk.hpp). A disk whose last write is older than its mark has lost its
// tail; one whose chain is another is another log. A crash may come between a write and its mark, and again
// after the next start: so each write also names the mark that there was, and those since were never
// acknowledged. Two logs with the same last entry are the same up to it (Log Matching, section 5.3), so the
// chain takes in the last entry and the hard state, and no others.
#pragma once

#include <cstdint>

#include "raft/message.hpp"

namespace swarm::raft {

Promise no_promise(PeerId self);  // of a member that has written nothing yet
// Returns the promise of the next write, after which the member has this. `marked`: the last one whose mark
// is durable; no_promise() while there is none.
Promise next_promise(const Promise& last, const Promise& marked, const HardState& hard, Index last_index,
                     Term last_term);

enum class Memory : std::uint8_t {
  whole,     // as it was promised; or some writes more, which were never acknowledged
  lost,      // the last writes are gone
  other,     // another history
  unmarked,  // there were writes, and no mark
};
// What a disk remembers, by its last write and by its mark; no_promise() where no mark is to be found.
Memory memory_of(const Promise& on_disk, const Promise& mark);

}  // namespace swarm::raft
