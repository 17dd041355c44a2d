// Progress: what a leader knows of one follower's log, and how it sends to it (dissertation section 10.2).
//
// Invariant: match < next. Entries up to `match` are on the follower; `next` is what is sent next.
//   probe      one append at a time until the follower's log is found to agree
//   replicate  appends are pipelined, as many as the window allows
//   snapshot   nothing is sent until the follower has taken a snapshot
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "raft/message.hpp"

namespace swarm::raft {

// Appends under way to a follower: a sliding window, counted in messages and, where a limit is set, in bytes.
class Inflights {
 public:
  Inflights() = default;
  Inflights(std::size_t size, std::uint64_t max_bytes) : size_(size), max_bytes_(max_bytes) {}
  void add(Index last, std::uint64_t bytes);
  void free_up_to(Index index);
  bool full() const { return window_.size() >= size_ || (max_bytes_ != 0 && bytes_ >= max_bytes_); }
  std::size_t count() const { return window_.size(); }
  void reset() {
    window_.clear();
    bytes_ = 0;
  }

 private:
  std::size_t size_ = 0;
  std::uint64_t max_bytes_ = 0;  // 0: no limit
  std::uint64_t bytes_ = 0;
  std::deque<std::pair<Index, std::uint64_t>> window_;
};

enum class ProgressState : std::uint8_t { probe, replicate, snapshot };

struct Progress {
  Index match = 0;
  Index next = 1;
  Index sent_commit = 0;  // the highest commit index on its way to the follower
  ProgressState state = ProgressState::probe;
  Index pending_snapshot = 0;
  bool recent_active = false;       // heard from since the last quorum check
  bool append_flow_paused = false;  // no appends until something is heard
  bool is_learner = false;
  Inflights inflights;

  void become_probe();
  void become_replicate();
  void become_snapshot(Index index);
  void sent_entries(std::size_t count, std::uint64_t bytes);
  // The follower has everything up to `index`. Returns false if that was known already.
  bool maybe_update(Index index);
  // The follower refused an append at `rejected`. Returns false if the refusal is out of date.
  bool maybe_decrease(Index rejected, Index hint);
  bool can_bump_commit(Index index) const { return index > sent_commit && sent_commit < next - 1; }
  bool paused() const { return state == ProgressState::snapshot || append_flow_paused; }
  std::string describe() const;

 private:
  void reset(ProgressState to);
};

}  // namespace swarm::raft
