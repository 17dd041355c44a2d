#include "raft/storage.hpp"
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "raft/message.hpp"

namespace swarm::raft {
namespace {

std::uint64_t varint_size(std::uint64_t value) {
  std::uint64_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

}  // namespace

const char* to_string(LogError error) {
  switch (error) {
    case LogError::none:
      return "";
    case LogError::compacted:
      return "requested index is unavailable due to compaction";
    case LogError::unavailable:
      return "requested entry at index is unavailable";
    case LogError::snapshot_unavailable:
      return "snapshot is temporarily unavailable";
  }
  return "";
}

std::uint64_t entry_size(const Entry& entry) {
  const std::uint64_t fixed = 1 + varint_size(static_cast<std::uint64_t>(entry.type)) + 1 +
                              varint_size(entry.term) + 1 + varint_size(entry.index);
  return entry.data.empty() ? fixed : fixed + 1 + varint_size(entry.data.size()) + entry.data.size();
}

std::uint64_t entries_size(const std::vector<Entry>& entries) {
  std::uint64_t size = 0;
  for (const Entry& entry : entries) size += entry_size(entry);
  return size;
}

void limit_size(std::vector<Entry>& entries, std::uint64_t max_size) {
  if (entries.empty() || max_size == kNoLimit) return;
  std::uint64_t size = entry_size(entries.front());
  std::size_t count = 1;
  for (; count < entries.size(); ++count) {
    size += entry_size(entries[count]);
    if (size > max_size) break;
  }
  entries.resize(count);
}

LogRead<std::vector<Entry>> MemoryStorage::entries(Index low, Index high, std::uint64_t max_size) const {
  if (low < first_index()) return {{}, LogError::compacted};
  SWARM_CHECK(high <= last_index() + 1, "entries beyond the log", high, last_index());
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(low - first_index());
  LogRead<std::vector<Entry>> read;
  std::uint64_t size = 0;
  for (auto it = begin; it != begin + static_cast<std::ptrdiff_t>(high - low); ++it) {
    if (max_size != kNoLimit) {
      size += entry_size(*it);
      if (size > max_size && !read.value.empty()) break;
    }
    read.value.push_back(*it);
  }
  return read;
}

LogRead<Term> MemoryStorage::term(Index index) const {
  if (index < snapshot_.index) return {0, LogError::compacted};
  if (index == snapshot_.index) return {snapshot_.term, LogError::none};
  if (index > last_index()) return {0, LogError::unavailable};
  return {entries_[index - first_index()].term, LogError::none};
}

void MemoryStorage::append(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (entry.index < first_index()) continue;
    SWARM_CHECK(entry.index <= last_index() + 1, "a gap in the log before entry", entry.index, last_index());
    drop_from(entry.index);
    entries_.push_back(entry);
    bytes_ += entry_size(entry);
  }
}

void MemoryStorage::drop_from(Index index) {
  for (; last_index() >= index; entries_.pop_back()) bytes_ -= entry_size(entries_.back());
}

void MemoryStorage::apply_snapshot(const Snapshot& snapshot) {
  if (snapshot.index <= snapshot_.index && snapshot_.index != 0) return;
  snapshot_ = snapshot;
  entries_.clear();
  bytes_ = 0;
}

LogError MemoryStorage::compact(Index index) {
  if (index < first_index()) return LogError::compacted;
  SWARM_CHECK(index <= last_index(), "compaction beyond the log", index, last_index());
  snapshot_.term = *term(index);
  for (; first_index() <= index; ++snapshot_.index) {
    bytes_ -= entry_size(entries_.front());
    entries_.pop_front();
  }
  return LogError::none;
}

}  // namespace swarm::raft
