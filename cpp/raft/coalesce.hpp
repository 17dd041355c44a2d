// Coalescing: joins messages of one round to one peer where one message can say the same.
//
// A leader sends an append for each proposal (section 5.3). Those of one round leave at the same moment, one
// after the other, and would be encoded, sent, parsed, written and acknowledged one by one. One append with
// all their entries is what the leader would have sent if the proposals had come as one; the acknowledgement
// of more entries covers that of fewer. NOT part of the core, which sends what etcd's core sends: the host
// does this with what a Ready brings.
#pragma once

#include <cstdint>
#include <vector>

#include "raft/message.hpp"

namespace swarm::raft {

// Appends that follow one another become one of at most `max_size` bytes of entries, acknowledgements of one
// term become the last. The messages that remain keep their order for each peer, and none are joined across
// another message to it.
std::vector<Message> coalesced(std::vector<Message> messages, std::uint64_t max_size);

}  // namespace swarm::raft
