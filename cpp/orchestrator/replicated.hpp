// ReplicatedOrchestrator: keeps `replicas` numbered slots of each replicated service filled
// (swarmkit manager/orchestrator/replicated).
#pragma once

#include "orchestrator/service_loop.hpp"

namespace swarm::orchestrator {

class ReplicatedOrchestrator final : public ServiceLoop {
 public:
  explicit ReplicatedOrchestrator(Rng rng) : ServiceLoop(rng) {}
  const char* name() const override { return "replicated orchestrator"; }

 private:
  using Slot = std::vector<TaskRef>;
  using Slots = std::map<std::uint64_t, Slot>;

  bool handles(const model::Service& service) const override { return service.spec.is_replicated(); }
  bool handles_slot(std::uint64_t slot) const override { return slot != 0; }
  void replace(const View& view, const model::Service& service, const model::Task& task) override;
  void reconcile(const View& view, const model::Service& service) override;

  void fill(const View& view, const model::Service& service, const Slots& kept, Slots& dead);
  void drop(const View& view, const Slots& dead);
};

// Returns the slots to give up when only `keep` of them may stay, the first to go last in the result: those
// with two tasks or without a node go first, then the fullest nodes lose theirs, then slots without a running
// task, then high numbers.
std::vector<std::uint64_t> slots_to_drop(const std::map<std::uint64_t, std::vector<TaskRef>>& slots,
                                         std::size_t keep);

}  // namespace swarm::orchestrator
