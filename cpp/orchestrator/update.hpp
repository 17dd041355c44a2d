// UpdateSupervisor: brings the slots of services to their current spec, a few at a time
// (swarmkit manager/orchestrator/update/updater.go).
//
// One update per service and spec version. A slot is in hand from the making of its new task until that runs,
// the old one is to stop and the delay has passed; `parallelism` slots are in hand at once (0: all). A new
// task that ends before it ran, or within the monitor period after, counts as a failure of the update; past
// the ratio the failure action is taken. The last slot done, the update completes after one more monitor
// period.
//
// What it knows beyond the store (failures so far, what is in hand) dies with the leader; the next one begins
// again with what is outdated then.
//
// Invariants (checked): a slot is to do or in hand, never both; a slot that rests is in hand; a service has
// one timer at most; an update fails only by a failure that went over the ratio, and completes only when no
// slot is left.
//
// NOT here: replacing tasks that end and releasing the new ones (RestartSupervisor), slots that no update has
// in hand (Handover).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

// failures / slots > ratio, in whole millionths.
bool exceeds_ratio(std::uint64_t failures, std::uint64_t slots, double ratio);

class UpdateSupervisor {
 public:
  // These slots of the service are to be kept; those that are outdated, or hold more than one task, get
  // updated.
  void reconcile(const store::Store& store, const model::Service& service, const std::vector<SlotKey>& slots);
  // The slot is no place for new tasks any more: its node was paused, drained, lost.
  void withdraw(const SlotKey& key);
  void observe(const store::Store& store, const store::Change<model::Task>& change, Instant now);
  void observe(const store::Change<model::Service>& change);
  void plan(const store::Store& store, Instant now, WallTime wall, Rng& rng, Plan& plan);
  void settled() { planned_.clear(); }
  Instant next_deadline() const;

 private:
  enum class Step : std::uint8_t { waiting, resting };
  struct InHand {
    TaskId task;  // the one that must run
    Step step = Step::waiting;
    Instant rest_until;
  };
  struct Fresh {  // a task that this update made
    std::optional<Instant> ran_at;
  };
  struct LastStraw {
    TaskId task;
    std::string why;
  };
  struct Update {
    std::uint64_t spec_version = 0;
    bool rolling_back = false;
    std::uint64_t slots = 0;  // outdated at the start
    std::uint64_t failures = 0;
    std::optional<LastStraw> last_straw;  // its failure was one too many
    std::set<SlotKey> todo, look;
    std::map<SlotKey, InHand> in_hand;
    // The new task failed; the slot keeps its old one until a replacement runs. Takes no place among those in
    // hand.
    std::set<SlotKey> lagging;
    std::map<TaskId, Fresh> fresh;
    std::set<std::pair<Instant, SlotKey>> rests;
    std::optional<Instant> done_at;
    bool is_finished() const { return todo.empty() && in_hand.empty() && lagging.empty(); }
  };
  struct Round;  // one call of plan() for one service

  void note_fresh(const model::Service& service, Update& update, const model::Task& task, Instant now);
  void set_timer(ServiceId id, Update& update);
  static bool is_of(const Update& update, const model::Service& service);

  std::map<ServiceId, Update> updates_;
  std::map<TaskId, ServiceId> planned_;  // new tasks of the plan in flight
  std::set<ServiceId> look_;
  std::map<ServiceId, Instant> timer_of_;
  std::set<std::pair<Instant, ServiceId>> timers_;
};

}  // namespace swarm::orchestrator
