// LeaderLoop: the shape of every control loop that runs on the leader (orchestrators, scheduler, enforcers,
// ...).
//
// Loops never call one another: each watches objects and proposes changes to objects. A loop is made when its
// node is elected and destroyed when it steps down; it keeps nothing that cannot be made again from the
// store.
//
// The node's turn, for each loop in a fixed, written-down order:
//   observe(store, changes, now)   for every applied change set: note what became dirty (cost: of the change)
//   plan(store, now, wall)         when none of the loop's proposals is in flight: the next one, or nothing
//   settled(outcome)               what became of it; a rejected plan is made again from the newer store
// and, at next_deadline(), plan again. A plan carries at most kMaxActions actions; the rest stays dirty.
#pragma once

#include <optional>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::store {

inline constexpr std::size_t kMaxActions = 4'000;

class LeaderLoop {
 public:
  virtual ~LeaderLoop() = default;
  virtual const char* name() const = 0;  // "replicated orchestrator", for traces and inspection
  // Once, right after the election: one full pass over the store.
  virtual void start(const Store& store, Instant now, WallTime wall) = 0;
  virtual void observe(const Store& store, const ChangeSet& changes, Instant now) = 0;
  virtual std::optional<model::Transaction> plan(const Store& store, Instant now, WallTime wall) = 0;
  virtual void settled(const Store& store, const model::Outcome& outcome, Instant now) = 0;
  // New random draws from now on; most loops draw none.
  virtual void reseed(Rng) {}
  // When plan() must be asked again although nothing changed; Instant::never() when it need not.
  virtual Instant next_deadline() const = 0;
};

}  // namespace swarm::store
