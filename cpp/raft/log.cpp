#include "raft/log.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "raft/message.hpp"
#include "raft/storage.hpp"

namespace swarm::raft {

// ---- the unstable tail

std::optional<Index> Unstable::first_index() const {
  return snapshot ? std::optional(snapshot->index + 1) : std::nullopt;
}

std::optional<Index> Unstable::last_index() const {
  if (!entries.empty()) return offset + entries.size() - 1;
  return snapshot ? std::optional(snapshot->index) : std::nullopt;
}

std::optional<Term> Unstable::term(Index index) const {
  if (index < offset)
    return snapshot && snapshot->index == index ? std::optional(snapshot->term) : std::nullopt;
  if (index >= offset + entries.size()) return std::nullopt;
  return entries[index - offset].term;
}

std::vector<Entry> Unstable::next_entries() const {
  return {entries.begin() + static_cast<std::ptrdiff_t>(offset_in_progress - offset), entries.end()};
}

void Unstable::accept_in_progress() {
  if (!entries.empty()) offset_in_progress = entries.back().index + 1;
  if (snapshot) snapshot_in_progress = true;
}

void Unstable::stable_to(EntryId id) {
  const auto its_term = term(id.index);
  // An entry that was overwritten meanwhile, or a snapshot's index: nothing to forget.
  if (!its_term || id.index < offset || *its_term != id.term) return;
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(id.index + 1 - offset));
  offset = id.index + 1;
  offset_in_progress = std::max(offset_in_progress, offset);
}

void Unstable::stable_snapshot_to(Index index) {
  if (!snapshot || snapshot->index != index) return;
  snapshot.reset();
  snapshot_in_progress = false;
}

void Unstable::restore(const Snapshot& from) {
  offset = offset_in_progress = from.index + 1;
  entries.clear();
  snapshot = std::make_shared<Snapshot>(from);
  snapshot_in_progress = false;
}

void Unstable::truncate_and_append(const std::vector<Entry>& more) {
  const Index from = more.front().index;
  if (from <= offset && from != offset + entries.size()) {
    entries.clear();
    offset = offset_in_progress = from;
  } else if (from < offset + entries.size()) {
    entries.resize(from - offset);
    offset_in_progress = std::min(offset_in_progress, from);
  }
  SWARM_CHECK(from == offset + entries.size(), "a gap before entry", from, offset, entries.size());
  entries.insert(entries.end(), more.begin(), more.end());
}

// ---- the log

Log::Log(const Storage& storage, std::uint64_t max_applying_size)
    : storage_(storage), max_applying_size_(max_applying_size) {
  unstable_.offset = unstable_.offset_in_progress = storage.last_index() + 1;
  committed_ = applying_ = applied_ = storage.first_index() - 1;
}

std::optional<Index> Log::maybe_append(EntryId previous, const std::vector<Entry>& entries, Index committed) {
  if (!matches(previous) && !SWARM_MISTAKE("raft.appends-to-another-log")) return std::nullopt;
  const Index last_new = previous.index + entries.size();
  if (const Index conflict = find_conflict(entries); conflict != 0) {
    SWARM_CHECK(conflict > committed_, "a committed entry would be overwritten", conflict, committed_);
    append({entries.begin() + static_cast<std::ptrdiff_t>(conflict - (previous.index + 1)), entries.end()});
  }
  commit_to(std::min(committed, last_new));
  return last_new;
}

Index Log::append(const std::vector<Entry>& entries) {
  if (entries.empty()) return last_index();
  SWARM_CHECK(entries.front().index > committed_, "append below the commit index", entries.front().index,
              committed_);
  unstable_.truncate_and_append(entries);
  return last_index();
}

Index Log::find_conflict(const std::vector<Entry>& entries) const {
  for (const Entry& entry : entries)
    if (!matches({entry.term, entry.index})) return entry.index;
  return 0;
}

EntryId Log::find_conflict_by_term(Index index, Term term_limit) const {
  for (; index > 0; --index) {
    const auto its_term = term(index);
    if (!its_term.ok()) return {0, index};
    if (*its_term <= term_limit) return {*its_term, index};
  }
  return {0, 0};
}

Index Log::first_index() const { return unstable_.first_index().value_or(storage_.first_index()); }
Index Log::last_index() const { return unstable_.last_index().value_or(storage_.last_index()); }

EntryId Log::last_id() const {
  const Index index = last_index();
  const auto its_term = term(index);
  SWARM_CHECK(its_term.ok(), "the last entry has no term", index, to_string(its_term.error));
  return {*its_term, index};
}

LogRead<Term> Log::term(Index index) const {
  if (const auto its_term = unstable_.term(index)) return {*its_term, LogError::none};
  if (index + 1 < first_index()) return {0, LogError::compacted};
  if (index > last_index()) return {0, LogError::unavailable};
  return storage_.term(index);
}

bool Log::matches(EntryId id) const {
  const auto its_term = term(id.index);
  return its_term.ok() && *its_term == id.term;
}

bool Log::is_up_to_date(EntryId theirs) const {
  const EntryId ours = last_id();
  return theirs.term > ours.term || (theirs.term == ours.term && theirs.index >= ours.index);
}

LogRead<std::vector<Entry>> Log::entries(Index from, std::uint64_t max_size) const {
  if (from > last_index()) return {};
  return slice(from, last_index() + 1, max_size);
}

LogRead<std::vector<Entry>> Log::slice(Index low, Index high, std::uint64_t max_size) const {
  if (low < first_index()) return {{}, LogError::compacted};
  SWARM_CHECK(low <= high && high <= last_index() + 1, "slice out of bounds", low, high, last_index());
  LogRead<std::vector<Entry>> read;
  if (low == high) return read;
  const Index cut = std::min(high, unstable_.offset);
  if (low < cut) {
    read = storage_.entries(low, cut, max_size);
    if (!read.ok() || read.value.size() < cut - low) return read;
  }
  for (Index index = std::max(low, unstable_.offset); index < high; ++index)
    read.value.push_back(unstable_.entries[index - unstable_.offset]);
  limit_size(read.value, max_size);
  return read;
}

Index Log::max_appliable(bool allow_unstable) const {
  return allow_unstable ? committed_ : std::min(committed_, unstable_.offset - 1);
}

bool Log::has_next_committed(bool allow_unstable) const {
  return !applying_paused_ && !has_snapshot() && applying_ < max_appliable(allow_unstable);
}

std::vector<Entry> Log::next_committed(bool allow_unstable) const {
  if (!has_next_committed(allow_unstable)) return {};
  SWARM_CHECK(applying_size_ < max_applying_size_, "applying too much", applying_size_, max_applying_size_);
  auto read = slice(applying_ + 1, max_appliable(allow_unstable) + 1, max_applying_size_ - applying_size_);
  SWARM_CHECK(read.ok(), "committed entries cannot be read", to_string(read.error));
  return std::move(read.value);
}

Result<Snapshot> Log::snapshot() const {
  if (unstable_.snapshot) return *unstable_.snapshot;
  return storage_.snapshot();
}

void Log::commit_to(Index index) {
  if (committed_ >= index) return;
  SWARM_CHECK(index <= last_index(), "commit beyond the log: was it truncated or lost?", index, last_index());
  committed_ = index;
}

bool Log::maybe_commit(EntryId id) {
  // Only entries of the leader's own term are committed by counting (Raft section 5.4.2).
  if (id.term == 0 || id.index <= committed_ || !matches(id)) return false;
  commit_to(id.index);
  return true;
}

void Log::applied_to(Index index, std::uint64_t size) {
  SWARM_CHECK(applied_ <= index && index <= committed_, "applied", index, "not in", applied_, committed_);
  applied_ = index;
  applying_ = std::max(applying_, applied_);
  applying_size_ -= std::min(applying_size_, size);
  applying_paused_ = applying_size_ >= max_applying_size_;
}

void Log::accept_applying(Index index, std::uint64_t size, bool allow_unstable) {
  SWARM_CHECK(index <= committed_, "applying", index, committed_);
  applying_ = index;
  applying_size_ += size;
  // Also when the limit cut the list short: what is left would not fit now.
  applying_paused_ = applying_size_ >= max_applying_size_ || index < max_appliable(allow_unstable);
}

void Log::restore(const Snapshot& snapshot) {
  committed_ = snapshot.index;
  unstable_.restore(snapshot);
}

}  // namespace swarm::raft
