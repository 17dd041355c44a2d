// Log: what the core sees as one log is a stable part (Storage) and a tail that is not on disk yet
// (Unstable).
//
//   committed   known to be on a quorum's disks
//   applying    handed out for application
//   applied     reported back as applied          applied <= applying <= committed
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "raft/storage.hpp"

namespace swarm::raft {

struct EntryId {
  Term term = 0;
  Index index = 0;
};

// The tail that is not known to be on disk. Entries before `offset_in_progress` are on their way there.
struct Unstable {
  std::shared_ptr<Snapshot> snapshot;
  std::vector<Entry> entries;
  Index offset = 0;  // entries[i] has index offset + i
  bool snapshot_in_progress = false;
  Index offset_in_progress = 0;

  std::optional<Index> first_index() const;
  std::optional<Index> last_index() const;
  std::optional<Term> term(Index index) const;
  std::vector<Entry> next_entries() const;
  bool has_next_snapshot() const { return snapshot && !snapshot_in_progress; }
  void accept_in_progress();
  void stable_to(EntryId id);
  void stable_snapshot_to(Index index);
  void restore(const Snapshot& from);
  void truncate_and_append(const std::vector<Entry>& more);
};

class Log {
 public:
  Log(const Storage& storage, std::uint64_t max_applying_size);

  // Appends what a leader sent after `previous`. Returns the last new index; nothing if the logs do not match
  // at `previous`.
  std::optional<Index> maybe_append(EntryId previous, const std::vector<Entry>& entries, Index committed);
  Index append(const std::vector<Entry>& entries);
  // The largest index <= `index` whose term may match at or below `term` (conflict hints, both sides).
  EntryId find_conflict_by_term(Index index, Term term) const;

  Index committed() const { return committed_; }
  Index applied() const { return applied_; }
  Index first_index() const;
  Index last_index() const;
  EntryId last_id() const;
  LogRead<Term> term(Index index) const;
  Term term_or_zero(Index index) const { return term(index).value; }
  bool matches(EntryId id) const;
  bool is_up_to_date(EntryId theirs) const;
  LogRead<std::vector<Entry>> entries(Index from, std::uint64_t max_size) const;
  LogRead<std::vector<Entry>> slice(Index low, Index high, std::uint64_t max_size) const;

  std::vector<Entry> next_unstable() const { return unstable_.next_entries(); }
  bool has_next_unstable() const {
    return unstable_.offset_in_progress < unstable_.offset + unstable_.entries.size();
  }
  bool has_unstable() const { return !unstable_.entries.empty(); }
  const Snapshot* next_snapshot() const {
    return unstable_.has_next_snapshot() ? unstable_.snapshot.get() : nullptr;
  }
  bool has_snapshot() const { return unstable_.snapshot != nullptr; }
  std::vector<Entry> next_committed(bool allow_unstable) const;
  bool has_next_committed(bool allow_unstable) const;
  Result<Snapshot> snapshot() const;

  void commit_to(Index index);
  bool maybe_commit(EntryId id);
  void applied_to(Index index, std::uint64_t size);
  void accept_applying(Index index, std::uint64_t size, bool allow_unstable);
  void stable_to(EntryId id) { unstable_.stable_to(id); }
  void stable_snapshot_to(Index index) { unstable_.stable_snapshot_to(index); }
  void accept_unstable() { unstable_.accept_in_progress(); }
  void restore(const Snapshot& snapshot);

 private:
  Index find_conflict(const std::vector<Entry>& entries) const;
  Index max_appliable(bool allow_unstable) const;

  const Storage& storage_;
  Unstable unstable_;
  Index committed_ = 0;
  Index applying_ = 0;
  Index applied_ = 0;
  std::uint64_t max_applying_size_;
  std::uint64_t applying_size_ = 0;
  bool applying_paused_ = false;
};

}  // namespace swarm::raft
