// GlobalOrchestrator: one task of each global service on every node that fits
// (swarmkit manager/orchestrator/global/global.go).
//
// Nodes that are down or drained, or that the constraints exclude, have none; paused nodes keep what they
// have and get nothing new. Tasks are born with their node; the scheduler still looks at it.
#pragma once

#include "orchestrator/service_loop.hpp"

namespace swarm::orchestrator {

class GlobalOrchestrator final : public ServiceLoop {
 public:
  explicit GlobalOrchestrator(Rng rng) : ServiceLoop(rng) {}
  const char* name() const override { return "global orchestrator"; }

 private:
  bool handles(const model::Service& service) const override { return service.spec.is_global(); }
  bool handles_slot(std::uint64_t slot) const override { return slot == 0; }
  void replace(const View& view, const model::Service& service, const model::Task& task) override;
  void reconcile(const View& view, const model::Service& service) override;
  void observe_node(const store::Change<model::Node>& change) override;
  void reconcile_nodes(const View& view) override;

  // One slot made to fit. True: it stays and may be updated.
  bool fit(const View& view, const model::Service& service, const model::Node& node);
  void reconcile_node(const View& view, NodeId id);
  void clear_lost_nodes(const View& view, const model::Service& service);

  std::set<NodeId> changed_nodes_;
};

}  // namespace swarm::orchestrator
