#include "sim/chaos.hpp"

#include <cstddef>
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
#include "sim/clones.hpp"
#include "sim/event_work.hpp"
#include "sim/fault_plan.hpp"
#include "sim/ledger_work.hpp"
#include "sim/name_work.hpp"
#include "sim/network_work.hpp"
#include "sim/older_copies.hpp"
#include "sim/register_work.hpp"
#include "sim/upgrades.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kSlice = Duration::millis(50);
constexpr Duration kConvergenceBound = Duration::seconds(60);
// All machines together, whatever their number: the workload's reservations fit.
constexpr std::int64_t kNanoCpus = 24'000'000'000, kMemory = 48LL << 30;

std::vector<std::string> names(const char* letter, std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i <= count; ++i) out.push_back(letter + std::to_string(i));
  return out;
}

}  // namespace

Chaos::Chaos(const ChaosOptions& options) : options_(options), rng_(options.seed) {
  knobs_ = Knobs::draw(rng_);
  knobs_.draw_later(options.seed);
  knobs_.upgrades = knobs_.upgrades || options.upgrades;
  managers_ = names("m", knobs_.managers);
  workers_ = names("w", knobs_.workers);
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
  employ();
  storm();
  calm();
  converge();
}

void Chaos::form() {
  const auto count = static_cast<std::int64_t>(managers_.size() + workers_.size());
  for (const auto* group : {&managers_, &workers_})
    for (const auto& name : *group)
      world_->add_machine({name, {}, {}, {kNanoCpus / count, kMemory / count, 0, {}}});
  if (knobs_.upgrades) {
    upgrades_ = std::make_unique<Upgrades>(*world_, Rng(options_.seed ^ 0x75706772616465));
    upgrades_->begin();
  }
  const std::string error = form_swarm(*world_, managers_, workers_, knobs_.short_log.value_or(LogLength{}));
  SWARM_CHECK(error.empty(), error);
  const bool ready = world_->run_until(
      [&] { return not_converged(*world_, world_->machines().size()).empty(); }, Duration::seconds(20));
  SWARM_CHECK(ready, "the swarm does not form:", not_converged(*world_, world_->machines().size()));
}

// Those who work on the swarm, each with a generator of its own.
void Chaos::employ() {
  Rng own = rng_.fork();
  const auto from = [this](std::uint64_t which) { return Rng(options_.seed ^ which); };
  workload_ = std::make_unique<Workload>(*world_, own, from(0x686162697473), managers_);
  register_ = std::make_unique<RegisterWork>(*world_, from(0x7265676973746572), managers_);
  ledger_ = std::make_unique<LedgerWork>(*world_, from(0x6c6564676572), managers_);
  names_ = std::make_unique<NameWork>(*world_, from(0x6e616d6573), managers_);
  if (knobs_.networks && !knobs_.upgrades)
    networks_ = std::make_unique<NetworkWork>(*world_, from(0x6e6574776f726b), managers_);
  const bool gapless = !knobs_.churn && !knobs_.short_log && !knobs_.lost_tails && !knobs_.older_copies;
  events_ = std::make_unique<EventWork>(*world_, from(0x6576656e7473), managers_, gapless);
  if (knobs_.churn)
    churn_ =
        std::make_unique<Churn>(*world_, Rng(options_.seed), managers_, workers_, knobs_.roles_and_deaths);
  employ_administrators();
}

// ... whose doings are faults. A clone of the only manager could lead: no other manager would know.
void Chaos::employ_administrators() {
  if (knobs_.older_copies)
    older_copies_ =
        std::make_unique<OlderCopies>(*world_, Rng(options_.seed ^ 0x636f70696573), those_that_go_back());
  const auto& cloned = managers_.size() > 1 ? world_->machines() : workers_;
  if (knobs_.clones && !cloned.empty())
    clones_ = std::make_unique<Clones>(*world_, Rng(options_.seed ^ 0x74776f), cloned);
}

// Of managers one may forget at a time. Copies see to that among themselves (World::put_back); where tails
// are lost or bits flip as well, it is the same manager.
std::vector<std::string> Chaos::those_that_go_back() const {
  if (!knobs_.lost_tails && !knobs_.flipped_bits) return world_->machines();
  std::vector<std::string> names = workers_;
  Rng losing = losses();
  names.push_back(loser_of(losing, managers_));
  return names;
}

void Chaos::draw_plan() {
  plan_ = draw_storm(rng_, knobs_, world_->machines(), options_.storm);
  Rng later(options_.seed ^ 0x6c61746572), losing = losses();
  for (const faults::Plan& more :
       {draw_later_kinds(later, knobs_, world_->machines(), options_.storm),
        draw_losses(losing, knobs_, world_->machines(), managers_, options_.storm)})
    plan_.faults.insert(plan_.faults.end(), more.faults.begin(), more.faults.end());
}

void Chaos::poll() {
  workload_->poll();
  register_->poll();
  ledger_->poll();
  names_->poll();
  if (networks_) networks_->poll();
  events_->poll();
  look_at_promises();
}

void Chaos::look_at_promises() const {
  for (const std::string& broken : {names_->broken(), events_->broken(), networks_ ? networks_->broken() : "",
                                    churn_ ? churn_->broken() : ""})
    SWARM_CHECK(broken.empty(), broken);
}

void Chaos::storm() {
  const Instant begin = world_->now();
  const Instant end = begin + options_.storm;
  draw_plan();
  const auto running = world_->run_plan(plan_);
  SWARM_CHECK(running.ok(), running.ok() ? "" : running.error().message);
  world_->set_network(knobs_.network);
  if (knobs_.slow_disks)
    for (const auto& name : world_->machines())
      if (rng_.chance(1, 2))
        world_->set_disk_latency(name, Duration::millis(1), Duration::millis(rng_.between(5, 80)));
  const std::int64_t pace = rng_.between(100, 1'500);
  Instant next_act = begin, next_churn = begin, next_look = begin;
  while (world_->now() < end) {
    world_->run_for(kSlice);
    poll();
    if (upgrades_) upgrades_->poll();
    if (older_copies_) older_copies_->poll();
    if (clones_) clones_->poll();
    if (churn_) churn_->poll();
    if (next_look <= world_->now()) {
      const std::string overdue = overdue_.look(*world_);
      SWARM_CHECK(overdue.empty(), overdue);
      next_look = world_->now() + Duration::seconds(1);
    }
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
  if (clones_) clones_->finish();
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

// Why the users and the administrator have not put right yet what they broke; "" if all is as it was.
std::string Chaos::not_repaired() {
  if (churn_ && !churn_->repair())
    return "the administrator cannot put right what he broke: " + group_not_settled(*world_, managers_);
  if (auto why = group_not_settled(*world_, managers_); !why.empty()) return why;
  if (!workload_->repair()) return "users cannot put right what they broke";
  return not_converged(*world_, world_->machines().size());
}

void Chaos::converge() {
  const Instant end = world_->now() + kConvergenceBound;
  std::string why = "users cannot put right what they broke";
  while (world_->now() < end && !why.empty()) {
    world_->run_for(kSlice);
    poll();
    why = not_repaired();
  }
  SWARM_CHECK(why.empty(), "no convergence within", to_string(kConvergenceBound) + ":", why);
  world_->run_for(Duration::seconds(1));  // and it stays so
  world_->check_all();
  const std::string leader = leader_of(*world_);
  SWARM_CHECK(!leader.empty(), "no manager leads");
  const std::string restless = world_->not_at_rest();
  SWARM_CHECK(restless.empty(), restless);
  const std::string broken = workload_->broken_promise(*world_->node(leader).inspect().store);
  SWARM_CHECK(broken.empty(), broken);
  const auto level = world_->node(leader).inspect().store->feature_level();
  SWARM_CHECK(level == (upgrades_ ? 2 : model::kFeatureLevel), "the swarm is at feature level", level);
  for (const std::string& contradiction : {register_->contradiction(), ledger_->contradiction()})
    SWARM_CHECK(contradiction.empty(), contradiction);
}

}  // namespace swarm::sim
