// Storage: the part of the log that is stable, as the core reads it. The host writes it.
// MemoryStorage keeps it in memory: all of it in tests and the simulator, a mirror of the disk in a daemon.
#pragma once

#include <deque>
#include <vector>

#include "base/result.hpp"
#include "raft/message.hpp"

namespace swarm::raft {

// Why an entry cannot be read.
enum class LogError : std::uint8_t { none, compacted, unavailable, snapshot_unavailable };
const char* to_string(LogError error);

// The size of an entry as etcd's protobuf encoding has it: limits of its test data are counted so.
std::uint64_t entry_size(const Entry& entry);
std::uint64_t entries_size(const std::vector<Entry>& entries);
// Cuts to at most `max_size` bytes, but never to nothing.
void limit_size(std::vector<Entry>& entries, std::uint64_t max_size);

struct InitialState {
  HardState hard;
  ConfState conf;
};

template <class T>
struct LogRead {
  T value{};
  LogError error = LogError::none;
  bool ok() const { return error == LogError::none; }
  const T& operator*() const { return value; }
};

class Storage {
 public:
  virtual ~Storage() = default;
  virtual InitialState initial_state() const = 0;
  // Entries in [low, high), at least one, at most `max_size` bytes.
  virtual LogRead<std::vector<Entry>> entries(Index low, Index high, std::uint64_t max_size) const = 0;
  virtual LogRead<Term> term(Index index) const = 0;  // also of the entry before the first: the snapshot's
  virtual Index first_index() const = 0;
  virtual Index last_index() const = 0;
  virtual Result<Snapshot> snapshot() const = 0;  // code unavailable: ask again later
};

class MemoryStorage : public Storage {
 public:
  InitialState initial_state() const override { return {hard_, snapshot_.conf_state}; }
  LogRead<std::vector<Entry>> entries(Index low, Index high, std::uint64_t max_size) const override;
  LogRead<Term> term(Index index) const override;
  Index first_index() const override { return snapshot_.index + 1; }
  Index last_index() const override { return snapshot_.index + entries_.size(); }
  Result<Snapshot> snapshot() const override { return snapshot_; }

  void set_hard_state(const HardState& hard) { hard_ = hard; }
  const HardState& hard_state() const { return hard_; }
  // Overwrites what conflicts; entries that are compacted already are skipped.
  void append(const std::vector<Entry>& entries);
  // Replaces the log by a snapshot; an older one than there is changes nothing.
  void apply_snapshot(const Snapshot& snapshot);
  // Forgets entries up to and including `index`, which becomes the log's beginning.
  LogError compact(Index index);
  // Sets the configuration that snapshot() answers from now on, without compaction. Index and term stay.
  void set_conf_state(const ConfState& state) { snapshot_.conf_state = state; }
  // The size of all its entries, by entry_size.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t size_of(Index index) const { return entry_size(entries_.at(index - first_index())); }

 private:
  void drop_from(Index index);  // the entries at `index` and after it

  HardState hard_;
  Snapshot snapshot_;  // the log begins after it
  std::deque<Entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace swarm::raft
