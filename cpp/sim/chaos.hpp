// Chaos: one seed from end to end. Some machines form a swarm; users work on it while a fault plan goes over
// it; then everything is healed and the swarm must come to rest as its services want it, every promise kept.
// Anything that breaks is a SWARM_CHECK failure; the object survives it, so that its host may show the plan
// and the trace.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/churn.hpp"
#include "sim/clones.hpp"
#include "sim/event_work.hpp"
#include "sim/fault_plan.hpp"
#include "sim/ledger_work.hpp"
#include "sim/name_work.hpp"
#include "sim/network_work.hpp"
#include "sim/older_copies.hpp"
#include "sim/overdue.hpp"
#include "sim/register_work.hpp"
#include "sim/upgrades.hpp"
#include "sim/workload.hpp"

namespace swarm::sim {

struct ChaosOptions {
  std::uint64_t seed = 0;
  Duration storm = Duration::seconds(60);
  bool record_trace = false;
  bool check = true;
  bool upgrades = false;  // machines run builds of two feature levels, whatever the seed draws
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
  void employ();
  void employ_administrators();
  std::vector<std::string> those_that_go_back() const;
  void storm();
  void draw_plan();
  Rng losses() const { return Rng(options_.seed ^ 0x6c6f73736573); }
  void calm();
  void converge();
  void poll();
  void look_at_promises() const;
  std::string not_repaired();

  ChaosOptions options_;
  Rng rng_;
  Knobs knobs_;
  faults::Plan plan_;  // as drawn; the world's own history says what came of it
  std::unique_ptr<World> world_;
  std::unique_ptr<Workload> workload_;
  std::vector<std::string> managers_, workers_;
  std::unique_ptr<RegisterWork> register_;
  std::unique_ptr<LedgerWork> ledger_;
  std::unique_ptr<EventWork> events_;
  std::unique_ptr<NameWork> names_;
  std::unique_ptr<NetworkWork> networks_;  // when the seed has one, as those below
  Overdue overdue_;
  std::unique_ptr<Churn> churn_;
  std::unique_ptr<Upgrades> upgrades_;
  std::unique_ptr<OlderCopies> older_copies_;
  std::unique_ptr<Clones> clones_;
};

}  // namespace swarm::sim
