#include "raft/compaction.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/number.hpp"
#include "raft/message.hpp"
#include "raft/storage.hpp"

namespace swarm::raft {
namespace {

// The entry before the newest that together take at most `bytes`.
Index before_the_newest(const MemoryStorage& log, std::uint64_t bytes) {
  Index index = log.last_index();
  for (std::uint64_t size = 0; index >= log.first_index(); --index) {
    size += log.size_of(index);
    if (size > bytes) break;
  }
  return index;
}

}  // namespace

std::optional<Index> compaction_point(const MemoryStorage& log, Index stable, const CompactionRule& rule) {
  stable = std::min(stable, log.last_index());
  const bool many =
      stable >= saturating_add(log.first_index(), saturating_add(rule.interval, rule.keep_entries));
  const bool large = log.bytes() > rule.max_bytes;
  if (!many && !large) return std::nullopt;
  Index until = stable > rule.keep_entries ? stable - rule.keep_entries : 0;
  if (large) until = std::max(until, before_the_newest(log, rule.keep_bytes));
  until = std::min(until, stable);
  return until < log.first_index() ? std::nullopt : std::optional(until);
}

}  // namespace swarm::raft
