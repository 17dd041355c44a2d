// TaskReaper: keeps the history of each slot short, and deletes the tasks that are meant to be gone (swarmkit
// manager/orchestrator/taskreaper).
//
// History: the cluster's limit per slot, live tasks counted, whatever the restart policy. Pruned oldest
// first, and only what is over: it has ended or was never placed, and is not wanted. The last task of a slot
// that nothing follows stays, whatever the limit: it shows that its slot has used up its restart attempts. A
// slot is looked at when a task of it is made, ends or is to stop (SwarmKit polls every 250 ms instead while
// two tasks of a slot live); all of them when the limit changes. Deleted at once, whatever the history: tasks
// with desired state REMOVE that have ended, were never placed or whose node is gone; orphans without a
// service. Deletions go in batches: 250 ms after the first, or 1,000 at hand.
#pragma once

#include <set>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

class TaskReaper final : public store::LeaderLoop {
 public:
  const char* name() const override { return "task reaper"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store&, const model::Outcome&, Instant) override {}
  Instant next_deadline() const override { return due_; }

 private:
  void note(const store::Store& store, const store::Change<model::Task>& change);
  void note_long_histories(const store::Store& store);
  void arm(Instant now);

  std::set<SlotKey> slots_;
  std::set<TaskId> dead_;
  Instant due_ = Instant::never();
};

}  // namespace swarm::orchestrator
