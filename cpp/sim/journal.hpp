// Journal: all inputs of a world from outside, in order, each with the number of steps before it and its
// time. With the options that the world was made from it is the whole run: the same inputs after the same
// steps give the same trace. It holds no state, and nothing that the world did by itself.
//
// Only what comes from outside is an input: what one input does inside (a fault that crashes a machine) is
// not written down a second time.
//
// Always on. An input takes some 250 bytes and its own text. A journal that grew to kMostBytes (a served
// world that ran for days) takes no more and says so: `incomplete()`.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "sim/inputs.hpp"

namespace swarm::sim {

struct Moment {
  std::uint64_t steps = 0;  // taken before: events, and begins and ends of faults
  Instant at;
  bool operator==(const Moment&) const = default;
};

struct JournalEntry {
  Moment when;
  Input input;
  std::uint64_t gave = 0;  // the number of the call, request or fault that it made
};

class Journal {
 public:
  static constexpr std::uint64_t kMostBytes = 256ULL << 20;

  // Lives as long as an input is carried out. `make` is called for the outermost one.
  class Writing {
   public:
    template <class Make>
    Writing(Journal& journal, Moment when, Make&& make) : journal_(journal) {
      if (journal_.depth_++ == 0) outermost_ = journal_.add(when, make());
    }
    ~Writing() { --journal_.depth_; }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    void gave(std::uint64_t number) const {
      if (outermost_) journal_.entries_.back().gave = number;
    }

   private:
    Journal& journal_;
    bool outermost_ = false;
  };
  // Lives while the world does something by itself.
  class Inside {
   public:
    explicit Inside(Journal& journal) : journal_(journal) { ++journal_.depth_; }
    ~Inside() { --journal_.depth_; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Journal& journal_;
  };

  const std::deque<JournalEntry>& entries() const { return entries_; }
  // Why the run cannot be replayed from it; "" if it can.
  std::string incomplete() const;
  std::uint64_t bytes() const { return bytes_; }
  bool is_inside() const { return depth_ > 0; }

 private:
  bool add(Moment when, Input input);

  std::deque<JournalEntry> entries_;
  std::uint64_t bytes_ = 0;
  int depth_ = 0;
  bool full_ = false;
};

// ---- as text: a line for the world, a line for each input, a line for the end
//     0 0.000000000 world {"seed":42,...}
//     0 0.000000000 machine {"name":"m1",...}
//     2599 1.204000000 crash {"machine":"m1"}
//     9120 31.500000000 end {"trace_hash":"8ba2..."}
struct RecordedRun {
  WorldOptions options;
  std::vector<JournalEntry> entries;
  Moment end;
  std::uint64_t trace_hash = 0;
};
std::string to_text(const WorldOptions& options, const std::deque<JournalEntry>& entries, Moment end,
                    std::uint64_t trace_hash);
// An error is a sentence that names the line.
Result<RecordedRun> read_run(std::string_view text);
std::string_view verb_of(const Input& input);
// What an input was, for readers: "fault kill m1", "call m1: POST /services/create".
std::string in_words(const Input& input);

}  // namespace swarm::sim
