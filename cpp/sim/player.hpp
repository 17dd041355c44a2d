// Player: gives a world the inputs of a recorded run. Two ways:
// - exactly: each input after as many steps as in the record: the same run, until a caller interferes;
// - by time, from then on: each input at its time, after all else that is due then: another run with the same
//   user in it.
// A run that is only played ends where the record ends; after let_go() it goes on.
//
// Calls, requests and faults get new numbers: where one is left out, those of the others move.
// NOT here: the loop (world.cpp asks `due`), and the record (journal.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "sim/references.hpp"

namespace swarm::sim {

class Player {
 public:
  void play(std::shared_ptr<const RecordedRun> run);
  // The run no longer ends. Of the inputs that are left, only those among the record's first `inputs` come.
  // `references`: what ids in them mean; without it ids stay as they are.
  void let_go(std::size_t inputs, std::shared_ptr<const References> references);

  // Another caller did something: the inputs that are left come by time.
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
