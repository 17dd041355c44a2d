// Chaos: one seed from end to end. Five machines form a swarm; users work on it while a fault plan goes over
// it; then everything is healed and the swarm must come to rest as its services want it, every promise kept.
// Anything that breaks is a SWARM_CHECK failure; the object survives it, so that its host may show the plan
// and the trace.
#pragma once

#include <memory>
#include <string>

#include "sim/churn.hpp"
#include "sim/fault_plan.hpp"
#include "sim/register_work.hpp"
#include "sim/upgrades.hpp"
#include "sim/workload.hpp"

namespace swarm::sim {

struct ChaosOptions {
  std::uint64_t seed = 0;
  Duration storm = Duration::seconds(60);
  bool record_trace = false;
  bool check = true;
  bool upgrades = false;  // machines run builds of two feature levels
};

class Chaos {
 public:
  explicit Chaos(const ChaosOptions& options);
  ~Chaos();

  void run();
  World& world() { return *world_; }
  const Knobs& knobs() const { return knobs_; }
  const faults::Plan& plan() const { return plan_; }

 private:
  void form();
  void storm();
  void calm();
  void converge();

  ChaosOptions options_;
  Rng rng_;
  Knobs knobs_;
  faults::Plan plan_;  // as drawn; the world's own history says what came of it
  std::unique_ptr<World> world_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<RegisterWork> register_;
  std::unique_ptr<Churn> churn_;  // when the seed has one
  std::unique_ptr<Upgrades> upgrades_;
};

}  // namespace swarm::sim
