// RestartSupervisor: what becomes of a task that ended or lost its node (swarmkit
// manager/orchestrator/restart).
//
// The old task is told to stop, always. Where its policy allows, a replacement is made in the same
// transaction, with desired state READY, so that its image is there in time; it is released to RUNNING when
// the restart delay is over *and* the old task has stopped, or cannot be asked, or a minute has passed.
//
// The policy is the old task's own. Its history is read from the tasks that the store keeps in the slot (the
// reaper keeps max_attempts + 1 of them), so nothing is lost with the leader. NOT here: which tasks need a
// restart.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

// Does the policy of an ended task, or one that is told to stop, allow another one after it?
bool may_restart(const store::Store& store, const model::Task& task);

class RestartSupervisor {
 public:
  // A task with desired READY from before this leader: what is left of its delay.
  void resume(const model::Task& task, Instant now, WallTime wall);
  void observe(const store::Store& store, const store::Change<model::Task>& change, Instant now);
  // A node went down or away: what waits for its tasks need not wait.
  void observe_lost_node(const store::Store& store, NodeId node);

  void restart(const store::Store& store, const model::Service& service, const model::Task& task,
               WallTime wall, Rng& rng, Plan& plan);
  // A task made with desired READY by the plan in flight shall be held for `delay`.
  void hold(TaskId task, Duration delay) { planned_[task] = delay; }
  // The task is still in its start delay until then: a failure before is not looked at.
  std::optional<Instant> held_until(TaskId task, Instant now) const;
  void release(const store::Store& store, Instant now, Plan& plan);
  void settled() { planned_.clear(); }
  Instant next_deadline() const;

 private:
  struct Held {
    SlotKey key;
    Instant start_at;  // the delay is over
    Instant give_up;   // the old task has had its time
  };
  void add(const model::Task& task, Instant start_at, Instant give_up);
  void forget(TaskId id);
  void look_at(const SlotKey& key);
  bool old_task_runs(const store::Store& store, const model::Task& task) const;

  std::map<TaskId, Duration> planned_;
  std::map<TaskId, Held> held_;
  std::map<SlotKey, std::set<TaskId>> by_slot_;
  std::set<TaskId> look_;
  std::set<std::pair<Instant, TaskId>> timers_;
};

}  // namespace swarm::orchestrator
