#include "raft/promise.hpp"

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "raft/message.hpp"

namespace swarm::raft {

Promise no_promise(PeerId self) { return {0, self, 0}; }

Promise next_promise(const Promise& last, const Promise& marked, const HardState& hard, Index last_index,
                     Term last_term) {
  std::string words;
  for (const std::uint64_t word : {last.writes + 1, last.chain, hard.term, hard.vote, last_index, last_term})
    put_u64(words, word);
  return {last.writes + 1, fnv1a(words), marked.chain};
}

Memory memory_of(const Promise& on_disk, const Promise& mark) {
  if (on_disk.writes < mark.writes) return Memory::lost;
  if (on_disk.writes == mark.writes) return on_disk.chain == mark.chain ? Memory::whole : Memory::other;
  if (on_disk.before == mark.chain) return Memory::whole;
  return mark.writes == 0 ? Memory::unmarked : Memory::other;
}

}  // namespace swarm::raft
