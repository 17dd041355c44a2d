#include "node/leader_loops.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "allocator/allocator.hpp"
#include "base/check.hpp"
#include "base/time.hpp"
#include "ca/root_reconciler.hpp"
#include "control/role_manager.hpp"
#include "dispatcher/dispatcher.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/transaction.hpp"
#include "node/core.hpp"
#include "node/links.hpp"
#include "node/replica.hpp"
#include "orchestrator/constraint_enforcer.hpp"
#include "orchestrator/global.hpp"
#include "orchestrator/replicated.hpp"
#include "orchestrator/task_reaper.hpp"
#include "scheduler/scheduler.hpp"
#include "store/change_set.hpp"

namespace swarm::node {

template <class Loop, class... Arguments>
Loop* LeaderLoops::add(Arguments&&... arguments) {
  auto loop = std::make_unique<Loop>(std::forward<Arguments>(arguments)...);
  Loop* raw = loop.get();
  loops_.push_back({std::move(loop), 0});
  return raw;
}

LeaderLoops::LeaderLoops(Core& core, Replica& replica)
    : core_(core), replica_(replica), seen_(replica.store().version()) {
  const model::Cluster* cluster = replica.store().cluster();
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
  root_reconciler_ = add<ca::RootReconciler>();
  for (Slot& slot : loops_) slot.loop->start(replica.store(), core.now, core.wall());
}

void LeaderLoops::reseed(Rng& rng) {
  for (Slot& slot : loops_) slot.loop->reseed(rng.fork());
}

void LeaderLoops::observe(const store::ChangeSet& changes) {
  SWARM_CHECK(changes.version > seen_, "the loops hear of entry", changes.version, "after", seen_);
  SWARM_CHECK(changes.version <= replica_.store().version(), "entry", changes.version,
              "is not in the store, which is at", replica_.store().version());
  seen_ = changes.version;
  for (Slot& slot : loops_) slot.loop->observe(replica_.store(), changes, core_.now);
}

void LeaderLoops::on_link_gone(const LinkGone& event) {
  dispatcher_->on_link_closed(replica_.store(), event.link, core_.now);
}

bool LeaderLoops::is_in_flight(std::uint64_t request) const {
  return std::any_of(loops_.begin(), loops_.end(),
                     [request](const Slot& slot) { return slot.in_flight == request; });
}

bool LeaderLoops::settled(std::uint64_t request, const model::Outcome& outcome) {
  SWARM_CHECK(request != 0, "an entry of no request is the outcome of none");
  for (Slot& slot : loops_) {
    if (slot.in_flight != request) continue;
    slot.in_flight = 0;
    slot.loop->settled(replica_.store(), outcome, core_.now);
    return true;
  }
  return false;
}

bool LeaderLoops::plan() {
  if (core_.now < not_before_) return false;
  bool did = false;
  const WallTime wall = core_.wall();
  for (Slot& slot : loops_) {
    if (slot.in_flight != 0) continue;
    auto transaction = slot.loop->plan(replica_.store(), core_.now, wall);
    if (!transaction || transaction->empty()) continue;
    const std::uint64_t request = replica_.propose(std::move(*transaction));
    SWARM_CHECK(request == 0 || !is_in_flight(request), "proposal", request, "of the", slot.loop->name(),
                "is another loop's, too");
    slot.in_flight = request;
    did = true;
    if (slot.in_flight != 0) continue;
    // Refused by Raft (a transfer is under way, or leadership is lost): the loop makes its plan again, in a
    // while.
    not_before_ = core_.now + model::kRaftTick;
    slot.loop->settled(replica_.store(), model::Outcome{false, 0, "the proposal was dropped"}, core_.now);
    break;
  }
  dispatcher_->tell_facts(replica_.store(), root_reconciler_->take_behind());
  return did;
}

Instant LeaderLoops::next_deadline() const {
  Instant next = Instant::never();
  for (const Slot& slot : loops_)
    if (slot.in_flight == 0) next = std::min(next, slot.loop->next_deadline());
  // While the log takes nothing, a loop that is due waits like the others.
  return core_.now < not_before_ ? not_before_ : next;
}

}  // namespace swarm::node
