// ServiceLoop: what the replicated and the global orchestrator have in common. It notes which services, tasks
// and nodes changed, and makes one plan at a time for what they need, in this order:
//
//   tasks of services that are gone -> REMOVE; tasks that ended or lost their node -> stop and replace; old
//   tasks of slots whose new one runs -> stop; replacements whose time has come -> RUNNING; services whose
//   slots do not fit -> reconcile; updates -> next slots.
//
// A mark stays until a look at it finds nothing to do: a rejected or a full plan needs no bookkeeping, the
// next look plans the rest from the newer store.
#pragma once

#include <set>

#include "orchestrator/handover.hpp"
#include "orchestrator/restart.hpp"
#include "orchestrator/update.hpp"
#include "store/leader_loop.hpp"

namespace swarm::orchestrator {

class ServiceLoop : public store::LeaderLoop {
 public:
  void start(const store::Store& store, Instant now, WallTime wall) final;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) final;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) final;
  void settled(const store::Store& store, const model::Outcome& outcome, Instant now) final;
  Instant next_deadline() const final;
  void reseed(Rng rng) final { rng_ = rng; }

 protected:
  explicit ServiceLoop(Rng rng) : rng_(rng) {}

  struct View {
    const store::Store& store;
    Instant now;
    WallTime wall;
    Plan& plan;
  };
  virtual bool handles(const model::Service& service) const = 0;
  // Slot numbers tell the modes apart where the service is gone.
  virtual bool handles_slot(std::uint64_t slot) const = 0;
  // A wanted task has ended, or its node is no place for it any more.
  virtual void replace(const View& view, const model::Service& service, const model::Task& task) = 0;
  // Makes the slots fit the spec, and hands those that stay to the updates.
  virtual void reconcile(const View& view, const model::Service& service) = 0;
  // Nodes came, went or changed.
  virtual void observe_node(const store::Change<model::Node>&) {}
  virtual void reconcile_nodes(const View&) {}

  void mark(ServiceId id) { dirty_.insert(id); }
  void look_at_tasks_on(const store::Store& store, NodeId node);

  Rng rng_;
  RestartSupervisor restarts_;
  Handover handover_;
  UpdateSupervisor updates_;

 private:
  void observe_change(const store::Store& store, const store::Change<model::Service>& change, Instant now);
  void observe_change(const store::Store& store, const store::Change<model::Task>& change, Instant now);
  void observe_change(const store::Store& store, const store::Change<model::Node>& change, Instant now);
  template <class T>
  void observe_change(const store::Store&, const store::Change<T>&, Instant) {}  // of no concern
  void note_task(const store::Store& store, const model::Task& task);
  void clear_gone(const View& view);
  void replace_ended(const View& view);
  void reconcile_dirty(const View& view);

  std::set<ServiceId> dirty_;
  std::set<ServiceId> gone_;                         // with tasks that are still there
  std::set<TaskId> ended_;                           // wanted, but ended or evicted
  std::set<std::pair<Instant, TaskId>> ended_held_;  // the same, in the start delay of their own
};

}  // namespace swarm::orchestrator
