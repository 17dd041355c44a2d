// Compaction: how much of the log may go once its entries are applied (Raft, section 7). Two bounds, as
// neither is enough: many small entries make a restart slow, a few large ones fill the memory and the disk.
// NOT here: the snapshot that takes their place; it is made of the store when a follower needs one.
#pragma once

#include <cstdint>
#include <optional>

#include "raft/storage.hpp"

namespace swarm::raft {

struct CompactionRule {
  std::uint64_t interval = 0;      // compact at so many entries more than `keep_entries`
  std::uint64_t keep_entries = 0;  // the newest stay for followers that lag
  std::uint64_t max_bytes = 0;     // or at more than so many bytes in all (entry_size)
  std::uint64_t keep_bytes = 0;    // then at most so many bytes stay, too
};

// The last entry that should go, at most `stable`; nothing while the log is short.
std::optional<Index> compaction_point(const MemoryStorage& log, Index stable, const CompactionRule& rule);

}  // namespace swarm::raft
