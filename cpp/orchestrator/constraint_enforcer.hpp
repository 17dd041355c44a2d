// ConstraintEnforcer: takes tasks off nodes that no longer fit them (swarmkit
// manager/orchestrator/constraintenforcer): the constraints of the service as it is now, and the node's
// capacity against what its tasks reserve.
//
// It writes *observed* REJECTED; the orchestrators' restart does the rest. Only nodes that are active are
// looked at, and only when they change: a drained node loses its tasks anyhow, a paused one keeps them. A
// task that was placed while its node changed is a reason to look, too.
#pragma once

#include <set>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

class ConstraintEnforcer final : public store::LeaderLoop {
 public:
  const char* name() const override { return "constraint enforcer"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store&, const model::Outcome&, Instant) override {}
  Instant next_deadline() const override { return Instant::never(); }

 private:
  void note_placement(const store::Store& store, const store::Change<model::Task>& change);

  std::set<NodeId> nodes_;  // to be looked at
};

}  // namespace swarm::orchestrator
