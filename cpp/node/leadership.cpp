#include "node/leadership.hpp"

#include <algorithm>

#include "allocator/allocator.hpp"
#include "model/bounds.hpp"
#include "orchestrator/constraint_enforcer.hpp"
#include "orchestrator/global.hpp"
#include "orchestrator/replicated.hpp"
#include "orchestrator/task_reaper.hpp"
#include "scheduler/scheduler.hpp"

namespace swarm::node {

template <class Loop, class... Arguments>
Loop* Leadership::add(Arguments&&... arguments) {
  auto loop = std::make_unique<Loop>(std::forward<Arguments>(arguments)...);
  Loop* raw = loop.get();
  loops_.push_back({std::move(loop), 0});
  return raw;
}

Leadership::Leadership(Core& core, Manager& manager) : core_(core), manager_(manager) {
  const model::Cluster* cluster = manager.store().cluster();
  const Duration heartbeat =
      cluster != nullptr ? model::usable_heartbeat(cluster->spec.heartbeat_period) : model::kHeartbeatPeriod;
  add<orchestrator::ReplicatedOrchestrator>(core.rng.fork());
  add<orchestrator::GlobalOrchestrator>(core.rng.fork());
  add<orchestrator::ConstraintEnforcer>();
  add<allocator::Allocator>();
  add<scheduler::Scheduler>(core.rng.fork());
  dispatcher_ = add<dispatcher::Dispatcher>(core.rng.fork(), heartbeat);
  add<orchestrator::TaskReaper>();
  role_manager_ = add<control::RoleManager>();
  for (Slot& slot : loops_) slot.loop->start(manager.store(), core.now, core.wall());
}

void Leadership::reseed(Rng& rng) {
  for (Slot& slot : loops_) slot.loop->reseed(rng.fork());
}

void Leadership::observe(const store::ChangeSet& changes) {
  for (Slot& slot : loops_) slot.loop->observe(manager_.store(), changes, core_.now);
}

bool Leadership::settled(std::uint64_t request, const model::Outcome& outcome) {
  for (Slot& slot : loops_) {
    if (slot.in_flight != request) continue;
    slot.in_flight = 0;
    slot.loop->settled(manager_.store(), outcome, core_.now);
    return true;
  }
  return false;
}

bool Leadership::plan() {
  if (core_.now < not_before_) return false;
  bool did = false;
  for (Slot& slot : loops_) {
    if (slot.in_flight != 0) continue;
    auto transaction = slot.loop->plan(manager_.store(), core_.now, core_.wall());
    if (!transaction || transaction->empty()) continue;
    slot.in_flight = manager_.propose(std::move(*transaction));
    did = true;
    if (slot.in_flight != 0) continue;
    // Refused by Raft (a transfer is under way, or leadership is lost): the loop makes its plan again, in a
    // while.
    not_before_ = core_.now + model::kRaftTick;
    slot.loop->settled(manager_.store(), model::Outcome{false, 0, "the proposal was dropped"}, core_.now);
    break;
  }
  return did;
}

Instant Leadership::next_deadline() const {
  Instant next = Instant::never();
  for (const Slot& slot : loops_)
    if (slot.in_flight == 0) next = std::min(next, slot.loop->next_deadline());
  // While the log takes nothing, whoever is due waits with the others.
  return core_.now < not_before_ ? not_before_ : next;
}

}  // namespace swarm::node
