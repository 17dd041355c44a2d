#include "raft/promise.hpp"

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "raft/message.hpp"

namespace swarm::raft {

Promise no_promise(PeerId self) { return {0, self, 0}; }

Promise next_promise(const Promise& last, const HardState& hard, Index last_index, Term last_term) {
  std::string words;
  for (const std::uint64_t word : {last.writes + 1, last.chain, hard.term, hard.vote, last_index, last_term})
    put_u64(words, word);
  return {last.writes + 1, fnv1a(words), last.chain};
}

Memory memory_of(const Promise& on_disk, const Promise& mark) {
  // A crash between the first write and the first mark.
  if (mark.writes == 0) return on_disk.writes <= 1 ? Memory::whole : Memory::unmarked;
  if (on_disk.writes < mark.writes) return Memory::lost;
  if (on_disk.writes == mark.writes) return on_disk.chain == mark.chain ? Memory::whole : Memory::other;
  const bool one_more = on_disk.writes == mark.writes + 1 && on_disk.before == mark.chain;
  return one_more ? Memory::whole : Memory::other;
}

}  // namespace swarm::raft
