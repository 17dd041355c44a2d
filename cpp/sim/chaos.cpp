#include "sim/chaos.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "faults/plan.hpp"
#include "model/feature_level.hpp"
#include "node/node.hpp"
#include "sim/churn.hpp"
#include "sim/client.hpp"
#include "sim/fault_plan.hpp"
#include "sim/register_work.hpp"
#include "sim/upgrades.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

const std::vector<std::string> kManagers{"m1", "m2", "m3"};
const std::vector<std::string> kWorkers{"w1", "w2"};
constexpr Duration kSlice = Duration::millis(50);
constexpr Duration kConvergenceBound = Duration::seconds(60);

}  // namespace

Chaos::Chaos(const ChaosOptions& options) : options_(options), rng_(options.seed) {
  knobs_ = Knobs::draw(rng_);
  // From a generator of their own: older seeds keep their stories.
  Rng later(options.seed ^ 0x636875726e);
  knobs_.churn = later.chance(1, 3);
  if (later.chance(1, 3)) {  // never shorter than what one turn may commit: the checker looks after turns
    const std::int64_t interval = later.between(5, 60);
    knobs_.short_log = LogLength{static_cast<std::uint64_t>(interval), later.below(40) + 24};
  }
  Rng kinds(options.seed ^ 0x6661756c7473);
  for (bool* knob :
       {&knobs_.bad_links, &knobs_.holds, &knobs_.throttles, &knobs_.wrong_clocks, &knobs_.failing_disks})
    *knob = kinds.chance(1, 5);
  WorldOptions world;
  world.seed = rng_.next();
  world.codec = knobs_.codec;
  world.record_trace = options.record_trace;
  world.check = options.check;
  world_ = std::make_unique<World>(world);
}

Chaos::~Chaos() = default;

void Chaos::run() {
  form();
  storm();
  calm();
  converge();
}

void Chaos::form() {
  for (const auto* group : {&kManagers, &kWorkers})
    for (const auto& name : *group) world_->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  if (options_.upgrades) {
    upgrades_ = std::make_unique<Upgrades>(*world_, Rng(options_.seed ^ 0x75706772616465));
    upgrades_->begin();
  }
  const std::string error = form_swarm(*world_, kManagers, kWorkers, knobs_.short_log.value_or(LogLength{}));
  SWARM_CHECK(error.empty(), error);
  const bool ready =
      world_->run_until([&] { return not_converged(*world_, 5).empty(); }, Duration::seconds(20));
  SWARM_CHECK(ready, "the swarm does not form:", not_converged(*world_, 5));
  Rng own = rng_.fork();
  workload_ = std::make_unique<Workload>(*world_, own, kManagers);
  register_ = std::make_unique<RegisterWork>(*world_, Rng(options_.seed ^ 0x7265676973746572), kManagers);
  if (knobs_.churn) churn_ = std::make_unique<Churn>(*world_, Rng(options_.seed), kManagers, kWorkers);
}

void Chaos::storm() {
  const Instant begin = world_->now();
  const Instant end = begin + options_.storm;
  plan_ = draw_storm(rng_, knobs_, world_->machines(), options_.storm);
  Rng later(options_.seed ^ 0x6c61746572);
  const faults::Plan more = draw_later_kinds(later, knobs_, world_->machines(), options_.storm);
  plan_.faults.insert(plan_.faults.end(), more.faults.begin(), more.faults.end());
  const auto running = world_->run_plan(plan_);
  SWARM_CHECK(running.ok(), running.ok() ? "" : running.error().message);
  world_->set_network(knobs_.network);
  if (knobs_.slow_disks)
    for (const auto& name : world_->machines())
      if (rng_.chance(1, 2))
        world_->set_disk_latency(name, Duration::millis(1), Duration::millis(rng_.between(5, 80)));
  const std::int64_t pace = rng_.between(100, 1'500);
  Instant next_act = begin, next_churn = begin;
  while (world_->now() < end) {
    world_->run_for(kSlice);
    workload_->poll();
    register_->poll();
    if (upgrades_) upgrades_->poll();
    if (churn_) churn_->poll();
    if (churn_ && next_churn <= world_->now()) {
      churn_->act();
      next_churn = world_->now() + Duration::millis(rng_.between(200, 3'000));
    }
    if (next_act > world_->now()) continue;
    workload_->act();
    next_act = world_->now() + Duration::millis(rng_.between(pace / 4, pace * 2));
  }
}

void Chaos::calm() {
  world_->note("sim", "calm");
  world_->heal();
  world_->set_network({});
  // A daemon that is on its way down goes down first.
  world_->run_for(Duration::seconds(16));
  for (const auto& name : world_->machines()) {
    world_->start(name);
    world_->set_disk_latency(name, Duration::micros(50), Duration::micros(400));
  }
  if (upgrades_) upgrades_->finish();
}

void Chaos::converge() {
  const Instant end = world_->now() + kConvergenceBound;
  std::string why = "users cannot put right what they broke";
  while (world_->now() < end) {
    world_->run_for(kSlice);
    workload_->poll();
    register_->poll();
    if (churn_ && !churn_->repair()) {
      why = "the administrator cannot put right what he broke: " + group_not_settled(*world_, kManagers);
      continue;
    }
    if (churn_) why = group_not_settled(*world_, kManagers);
    if (churn_ && !why.empty()) continue;
    why = "users cannot put right what they broke";
    if (!workload_->repair()) continue;
    why = not_converged(*world_, world_->machines().size());
    if (why.empty()) break;
  }
  SWARM_CHECK(why.empty(), "no convergence within", to_string(kConvergenceBound) + ":", why);
  world_->run_for(Duration::seconds(1));  // and it stays so
  world_->check_all();
  const std::string leader = leader_of(*world_);
  SWARM_CHECK(!leader.empty(), "no manager leads");
  const std::string broken = workload_->broken_promise(*world_->node(leader).inspect().store);
  SWARM_CHECK(broken.empty(), broken);
  const auto level = world_->node(leader).inspect().store->feature_level();
  SWARM_CHECK(level == (upgrades_ ? 2 : model::kFeatureLevel), "the swarm is at feature level", level);
  const std::string contradiction = register_->contradiction();
  SWARM_CHECK(contradiction.empty(), contradiction);
}

}  // namespace swarm::sim
