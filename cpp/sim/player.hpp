// Player: what a world is going to be told by itself, because it was told so once. Two ways:
// - exactly: each input after as many steps as it came after: the same run, until anybody else does anything;
// - by time, from then on: each input at its time, after all else that is due then: another run with the same
//   user in it.
// A run that is only played ends where it was written down; one that was let go goes on.
//
// Numbers of calls, requests and faults are told anew: where one is left out, those of the others move.
// NOT here: the loop (world.cpp asks `due`), and what was told (journal.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "sim/references.hpp"

namespace swarm::sim {

class Player {
 public:
  void play(std::shared_ptr<const RecordedRun> run);
  // Time has no end; of the inputs that are left only those among the run's first `inputs` come.
  // `references`: what ids in them mean; they stay as they are without.
  void let_go(std::size_t inputs, std::shared_ptr<const References> references);

  // Somebody else did something: what is left comes by time.
  void interrupted() { exact_ = exact_ && telling_; }

  bool plays() const { return exact_; }  // the same run, so far
  bool has_more() const { return run_ && next_ < last_; }
  bool is_over(std::uint64_t steps) const {
    return run_ && !let_go_ && !has_more() && steps >= run_->end.steps;
  }
  std::size_t next_index() const { return next_; }

  // The next input, if it comes before the next event (at `next_event`); null when that is first.
  const JournalEntry* due(std::uint64_t steps, Instant next_event) const;
  // When the next input or event comes.
  Instant next(std::uint64_t steps, Instant next_event) const;
  void tell_next(World& world);

 private:
  const JournalEntry& entry() const { return run_->entries[next_]; }

  std::shared_ptr<const RecordedRun> run_;
  std::shared_ptr<const References> references_;
  std::size_t next_ = 0, last_ = 0;
  bool exact_ = false, let_go_ = false, telling_ = false;
  std::map<std::uint64_t, std::uint64_t> calls_, requests_, faults_;  // as recorded -> as they are now
};

}  // namespace swarm::sim
