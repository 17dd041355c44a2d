// Scheduler: finds a node for every PENDING task.
//
// Leader only; made at election, destroyed at step-down. It keeps a picture of each node (what is taken
// there, by which tasks) that costs O(changes) to keep up, and plans at once: everything that is dirty goes
// into one transaction. A task that fits nowhere stays PENDING with the reason in its status, and is tried
// again when something changed that could help. Invariants (checked): what stands in a plan only is not in
// the picture between two plans; a waiting task is in the group of its spec version, and no group is empty;
// no count of a node's picture is negative. NOT here: preemption and rebalancing, which Docker does not do
// either.
#pragma once

#include <memory>
#include <optional>

#include "base/rng.hpp"
#include "store/leader_loop.hpp"

namespace swarm::scheduler {

class Scheduler final : public store::LeaderLoop {
 public:
  explicit Scheduler(Rng rng);
  ~Scheduler() override;

  const char* name() const override { return "scheduler"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store& store, const model::Outcome& outcome, Instant now) override;
  Instant next_deadline() const override { return Instant::never(); }  // only changes wake it
  void reseed(Rng rng) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swarm::scheduler
