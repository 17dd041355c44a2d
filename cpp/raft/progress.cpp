#include "raft/progress.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "raft/message.hpp"

namespace swarm::raft {

void Inflights::add(Index last, std::uint64_t bytes) {
  SWARM_CHECK(!full(), "the window is full", window_.size());
  window_.emplace_back(last, bytes);
  bytes_ += bytes;
}

void Inflights::free_up_to(Index index) {
  while (!window_.empty() && window_.front().first <= index) {
    bytes_ -= window_.front().second;
    window_.pop_front();
  }
}

void Progress::reset(ProgressState to) {
  append_flow_paused = false;
  pending_snapshot = 0;
  state = to;
  inflights.reset();
}

void Progress::become_probe() {
  // After a snapshot the follower has at least what the snapshot had: probe from there.
  const Index pending = state == ProgressState::snapshot ? pending_snapshot : 0;
  reset(ProgressState::probe);
  next = std::max(match + 1, pending + 1);
  sent_commit = std::min(sent_commit, next - 1);
}

void Progress::become_replicate() {
  reset(ProgressState::replicate);
  next = match + 1;
}

void Progress::become_snapshot(Index index) {
  reset(ProgressState::snapshot);
  pending_snapshot = index;
  next = index + 1;
  sent_commit = index;
}

void Progress::sent_entries(std::size_t count, std::uint64_t bytes) {
  SWARM_CHECK(state != ProgressState::snapshot);
  if (state == ProgressState::probe) {
    if (count > 0) append_flow_paused = true;
    return;
  }
  if (count > 0) {
    next += count;
    inflights.add(next - 1, bytes);
  }
  append_flow_paused = inflights.full();
}

bool Progress::maybe_update(Index index) {
  if (index <= match) return false;
  match = index;
  next = std::max(next, index + 1);
  append_flow_paused = false;
  return true;
}

bool Progress::maybe_decrease(Index rejected, Index hint) {
  if (state == ProgressState::replicate) {
    if (rejected <= match) return false;
    next = match + 1;
    sent_commit = std::min(sent_commit, next - 1);
    return true;
  }
  if (next - 1 != rejected) return false;  // an answer to an append that was superseded
  next = std::max(std::min(rejected, hint + 1), match + 1);
  sent_commit = std::min(sent_commit, next - 1);
  append_flow_paused = false;
  return true;
}

std::string Progress::describe() const {
  static constexpr const char* kNames[] = {"StateProbe", "StateReplicate", "StateSnapshot"};
  std::string text = std::string(kNames[static_cast<std::size_t>(state)]) +
                     " match=" + std::to_string(match) + " next=" + std::to_string(next);
  if (is_learner) text += " learner";
  if (paused()) text += " paused";
  if (pending_snapshot > 0) text += " pendingSnap=" + std::to_string(pending_snapshot);
  if (!recent_active) text += " inactive";
  if (inflights.count() > 0) {
    text += " inflight=" + std::to_string(inflights.count());
    if (inflights.full()) text += "[full]";
  }
  return text;
}

}  // namespace swarm::raft
