// RestartSupervisor: what becomes of a task that ended or lost its node (swarmkit
// manager/orchestrator/restart).
//
// The old task is always stopped (desired state SHUTDOWN). Where its policy allows, a replacement is made in
// the same transaction, with desired state READY, so that its image is there in time; it is released to
// RUNNING when the restart delay is over *and* the old task has stopped, or its node cannot be asked, or its
// stop grace is over all the same.
//
// The policy is the old task's own. What was tried before is handed on from task to task (model/restart), so
// nothing is lost with the leader or the history. NOT here: which tasks need a restart.
//
// Invariants (checked): a held task is one with desired state READY; `by_slot_` names the held tasks and no
// others, and so do `look_` and `timers_`.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

class RestartSupervisor {
 public:
  // Takes over a task with desired READY from an earlier leader, with what is left of its delay.
  void resume(const model::Task& task, Instant now, WallTime wall);
  void observe(const store::Store& store, const store::Change<model::Task>& change, Instant now);
  // A node went down or was removed: replacements need not wait for its tasks any more.
  void observe_lost_node(const store::Store& store, NodeId node);

  void restart(const store::Store& store, const model::Service& service, const model::Task& task,
               WallTime wall, Rng& rng, Plan& plan);
  // Returns until when the task is in its start delay: a failure before that is not looked at.
  std::optional<Instant> held_until(TaskId task, Instant now) const;
  void release(const store::Store& store, Instant now, Plan& plan);
  Instant next_deadline() const;

 private:
  struct Held {
    SlotKey key;
    Instant start_at;  // the delay is over
    Instant since;     // from here on it waits for the old tasks
    Instant wake = Instant::never();
  };
  void add(const model::Task& task, Instant start_at, Instant now);
  void forget(TaskId id);
  void look_at(const SlotKey& key);
  void wait_anew(const model::Task& stopping, Instant now);
  // Returns until when the task waits for the old tasks of its slot.
  Instant patience(const store::Store& store, TaskId id, const Held& held) const;
  void wake_at(TaskId id, Held& held, Instant until);

  std::map<TaskId, Held> held_;
  std::map<SlotKey, std::set<TaskId>> by_slot_;
  std::set<TaskId> look_;
  std::set<std::pair<Instant, TaskId>> timers_;
};

}  // namespace swarm::orchestrator
