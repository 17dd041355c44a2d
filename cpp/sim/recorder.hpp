// Recorder: the trace of a world. Every event and every record is folded into one hash; the last lines are
// kept as text when asked for. The hash is the proof that two runs were the same.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "sim/event_queue.hpp"

namespace swarm::sim {

struct RecordedLine {
  Instant at;
  std::string machine, kind, text;
};

class Recorder {
 public:
  explicit Recorder(bool keep_lines) : keep_lines_(keep_lines) {}

  void count(Instant at, MachineIndex machine, std::size_t kind) {
    ++events_;
    fold(static_cast<std::uint64_t>(at.ns));
    fold(static_cast<std::uint64_t>(machine) << 8 | kind);
  }
  void record(Instant at, std::string_view machine, std::string_view kind, std::string text) {
    fold(static_cast<std::uint64_t>(at.ns));
    hash_ = fnv1a(text, fnv1a(kind, fnv1a(machine, hash_)));
    remark(at, machine, kind, std::move(text));
  }
  // A line for readers only: what checkers saw. Not in the hash, so that checks may be on or off.
  void remark(Instant at, std::string_view machine, std::string_view kind, std::string text) {
    if (!keep_lines_) return;
    if (lines_.size() == kMaxLines) lines_.pop_front();
    lines_.push_back({at, std::string(machine), std::string(kind), std::move(text)});
  }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t events() const { return events_; }
  bool keeps_lines() const { return keep_lines_; }
  const std::deque<RecordedLine>& lines() const { return lines_; }
  std::deque<RecordedLine> take() { return std::exchange(lines_, {}); }

 private:
  static constexpr std::size_t kMaxLines = 20'000;
  // FNV-1a over a word at a time: cheap enough for every event.
  void fold(std::uint64_t word) {
    hash_ ^= word;
    hash_ *= 0x100000001b3ULL;
    hash_ ^= hash_ >> 32;
  }

  bool keep_lines_;
  std::uint64_t hash_ = kFnvStart;
  std::uint64_t events_ = 0;
  std::deque<RecordedLine> lines_;
};

}  // namespace swarm::sim
