#include "sim/fault_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "faults/draw.hpp"
#include "faults/fault.hpp"
#include "faults/plan.hpp"
#include "sim/client.hpp"

namespace swarm::sim {

using faults::Fault;
using faults::Kind;
using faults::Names;
using faults::Plan;

Knobs Knobs::draw(Rng& rng) {
  Knobs knobs;
  for (bool* knob : {&knobs.crashes, &knobs.power_cuts, &knobs.pauses, &knobs.partitions, &knobs.one_way_cuts,
                     &knobs.leader_losses, &knobs.bad_network, &knobs.slow_disks, &knobs.orderly_stops})
    *knob = rng.chance(1, 2);
  knobs.codec = rng.chance(1, 4);
  if (!knobs.bad_network) return knobs;
  auto& net = knobs.network;
  if (rng.chance(1, 2)) net.latency_max = Duration::millis(rng.between(1, 60));
  if (rng.chance(1, 2)) net.loss_per_mille = static_cast<std::uint32_t>(rng.between(1, 60));
  if (rng.chance(1, 2)) net.duplicate_per_mille = static_cast<std::uint32_t>(rng.between(1, 60));
  if (rng.chance(1, 2)) net.reorder_per_mille = static_cast<std::uint32_t>(rng.between(1, 60));
  return knobs;
}

namespace {

// "Off in at least half of the seeds" (swarm testing), whatever other classes draw.
bool draws(std::uint64_t seed, std::uint64_t which, std::uint64_t times, std::uint64_t of) {
  return Rng(seed ^ which).chance(times, of);
}

}  // namespace

void Knobs::draw_later(std::uint64_t seed) {
  Rng later(seed ^ 0x636875726e);
  churn = later.chance(1, 3);
  if (later.chance(1, 3)) {  // never shorter than what one turn may commit: the checker looks after turns
    const std::int64_t interval = later.between(5, 60);
    short_log = LogLength{static_cast<std::uint64_t>(interval), later.below(40) + 24};
  }
  Rng kinds(seed ^ 0x6661756c7473);
  for (bool* knob : {&bad_links, &holds, &throttles, &wrong_clocks, &failing_disks})
    *knob = kinds.chance(1, 3);
  flipped_bits = draws(seed, 0x666c6970, 1, 3);
  all_at_once = draws(seed, 0x616c6c, 1, 3);
  upgrades = draws(seed, 0x7570, 1, 6);
  Rng sizes(seed ^ 0x73697a6573);
  constexpr std::size_t kManagers[] = {1, 2, 3, 3, 4, 5};
  if (sizes.chance(1, 2)) {
    managers = kManagers[sizes.below(6)];
    workers = sizes.below(4);
  }
  if (managers < 3 || workers == 0) churn = false;
  roles_and_deaths = churn && draws(seed, 0x726f6c6573, 1, 2);
  lost_tails = draws(seed, 0x7461696c, 1, 3);
  clones = !churn && draws(seed, 0x636c6f6e65, 1, 2);
  older_copies = !churn && draws(seed, 0x6f6c646572, 1, 2);
  networks = !upgrades && draws(seed, 0x6e657473, 1, 2);  // an older build knows none
}

std::string Knobs::str() const {
  std::string text;
  const std::pair<bool, const char*> all[] = {{crashes, "crashes"},
                                              {power_cuts, "power cuts"},
                                              {pauses, "pauses"},
                                              {partitions, "partitions"},
                                              {one_way_cuts, "one-way cuts"},
                                              {leader_losses, "leader losses"},
                                              {bad_network, "a bad network"},
                                              {slow_disks, "slow disks"},
                                              {orderly_stops, "orderly stops"},
                                              {bad_links, "bad links"},
                                              {holds, "held links"},
                                              {throttles, "throttled nodes"},
                                              {wrong_clocks, "wrong clocks"},
                                              {failing_disks, "failing disks"},
                                              {flipped_bits, "flipped bits"},
                                              {lost_tails, "lost tails"},
                                              {all_at_once, "all managers at once"},
                                              {older_copies, "older copies"},
                                              {clones, "clones"},
                                              {networks, "networks"},
                                              {codec, "frames encoded"},
                                              {churn, "churn"},
                                              {roles_and_deaths, "of any manager"},
                                              {upgrades, "two builds"},
                                              {short_log.has_value(), "a short log"}};
  for (const auto& [on, name] : all)
    if (on) text += (text.empty() ? "" : ", ") + std::string(name);
  if (bad_network)
    text += " (latency up to " + to_string(network.latency_max) +
            ", per mille: " + std::to_string(network.loss_per_mille) + " lost, " +
            std::to_string(network.duplicate_per_mille) + " doubled, " +
            std::to_string(network.reorder_per_mille) + " late)";
  if (text.empty()) text = "no faults but killed tasks";
  return text + "; " + std::to_string(managers) + " managers, " + std::to_string(workers) + " workers";
}

namespace {

Fault of(Kind kind, Duration at, const std::string& node) {
  Fault fault;
  fault.kind = kind;
  fault.at = at;
  if (!node.empty()) fault.set("node", node);
  return fault;
}

// Most are short; one in four lasts.
Duration some_length(Rng& rng) {
  return Duration::millis(rng.chance(1, 4) ? rng.between(5'000, 20'000) : rng.between(100, 5'000));
}

enum class What { kill, power_off, stop, freeze, isolate, split, cut, kill_leader, transfer };

std::vector<What> stormy(const Knobs& knobs) {
  std::vector<What> kinds;
  if (knobs.crashes) kinds.push_back(What::kill);
  if (knobs.power_cuts) kinds.push_back(What::power_off);
  if (knobs.orderly_stops) kinds.push_back(What::stop);
  if (knobs.pauses) kinds.push_back(What::freeze);
  if (knobs.partitions) kinds.insert(kinds.end(), {What::isolate, What::split});
  if (knobs.one_way_cuts) kinds.push_back(What::cut);
  if (knobs.leader_losses) kinds.insert(kinds.end(), {What::kill_leader, What::transfer});
  return kinds;
}

// One fault of a storm. Draws another machine where it takes two, and then how long it lasts.
Fault stormy_fault(Rng& rng, What what, Duration at, const std::vector<std::string>& machines) {
  const auto pick = [&] { return machines[rng.below(machines.size())]; };
  const std::string name = pick();
  Fault fault;
  switch (what) {
    case What::kill:
      fault = of(Kind::kill, at, name);
      break;
    case What::power_off:
      fault = of(Kind::power_off, at, name);
      break;
    case What::stop:
      fault = of(Kind::stop, at, name);
      break;
    case What::freeze:
      fault = of(Kind::freeze, at, name);
      break;
    case What::isolate:
      fault = of(Kind::partition, at, "").set("groups", faults::Groups{Names{name}});
      break;
    case What::split: {
      Names side{name};
      const std::string other = pick();
      if (other != name && machines.size() > 2) side.push_back(other);
      fault = of(Kind::partition, at, "").set("groups", faults::Groups{side});
      break;
    }
    case What::cut: {
      const std::string other = pick();
      fault = of(Kind::cut, at, "").set("from", Names{name});
      fault.set("to", Names{other == name ? "*" : other}).set("both", false);
      break;
    }
    case What::kill_leader:
      fault = of(Kind::kill, at, "leader");
      break;
    case What::transfer:
      return of(Kind::transfer, at, "");
  }
  fault.lasts = some_length(rng);
  return fault;
}

}  // namespace

Plan draw_storm(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines, Duration length) {
  std::vector<What> kinds = stormy(knobs);
  if (machines.size() == 1)  // there is no other side
    std::erase_if(
        kinds, [](What what) { return what == What::isolate || what == What::split || what == What::cut; });
  Plan plan;
  if (kinds.empty()) return plan;
  for (Duration at = Duration::seconds(2); at < length; at = at + Duration::millis(rng.between(200, 6'000))) {
    const What what = kinds[rng.below(kinds.size())];
    plan.faults.push_back(stormy_fault(rng, what, at, machines));
  }
  return plan;
}

Plan draw_later_kinds(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines,
                      Duration length) {
  std::vector<Kind> kinds;
  if (knobs.bad_links) kinds.push_back(Kind::net);
  if (knobs.holds) kinds.push_back(Kind::hold);
  if (knobs.throttles) kinds.push_back(Kind::throttle);
  if (knobs.wrong_clocks) kinds.push_back(Kind::clock);
  if (knobs.failing_disks) kinds.push_back(Kind::disk);
  if (kinds.empty()) return {};
  faults::DrawOptions options;
  options.seed = rng.next();
  options.kinds = std::move(kinds);
  options.managers = machines;  // which are, is nothing to a storm
  options.every = Duration::seconds(3);
  options.lasts = Duration::seconds(3);
  options.duration = length;
  options.keep_quorum = false;
  const auto plan = faults::draw(options);
  SWARM_CHECK(plan.ok(), plan.ok() ? "" : plan.error().message);
  return *plan;
}

namespace {

// What the disk loses is lost at a crash: one follows.
void add_loss(Rng& rng, Plan& plan, const std::string& node, const char* what, std::int64_t most,
              Duration at) {
  Fault disk = of(Kind::disk, at, node).set(what, rng.between(1, most));
  const Duration later = Duration::millis(rng.between(1, 2'000));
  const Kind kind = rng.chance(1, 2) ? Kind::kill : Kind::power_off;
  Fault kill = of(kind, at + later, node);
  disk.lasts = Duration::millis(rng.between(2'500, 8'000));
  kill.lasts = some_length(rng);
  plan.faults.push_back(std::move(disk));
  plan.faults.push_back(std::move(kill));
}

void add_deaths(Rng& rng, Plan& plan, const std::vector<std::string>& names, Duration at) {
  const Kind kind = rng.chance(1, 2) ? Kind::kill : Kind::power_off;
  for (const auto& name : names) {
    Fault death = of(kind, at, name);
    death.lasts = some_length(rng);
    plan.faults.push_back(std::move(death));
  }
}

}  // namespace

std::string loser_of(Rng& losses, const Names& managers) { return managers[losses.below(managers.size())]; }

// A manager that forgets is one less until the others take it in again. So only one may, of three or more,
// and only in a run whose managers stay managers. Where any manager may be demoted, a worker that was
// promoted may be one of two: without it the other one leads no more, for ever.
Plan draw_losses(Rng& rng, const Knobs& knobs, const Names& machines, const Names& managers,
                 Duration length) {
  Plan plan;
  const std::string loser = loser_of(rng, managers);
  const bool may_lose = managers.size() >= 3 && !knobs.churn;
  Names flipped(machines.begin() + static_cast<std::ptrdiff_t>(managers.size()), machines.end());
  if (may_lose) flipped.push_back(loser);
  if (knobs.roles_and_deaths) flipped.clear();
  for (Duration at = Duration::seconds(3); at < length;
       at = at + Duration::millis(rng.between(4'000, 20'000))) {
    const std::uint64_t dice = rng.below(3);
    if (dice == 0 && knobs.lost_tails && may_lose) add_loss(rng, plan, loser, "lost_tail", 12, at);
    if (dice == 1 && knobs.flipped_bits && !flipped.empty()) {
      const std::string& victim = flipped[rng.below(flipped.size())];
      add_loss(rng, plan, victim, "flip", 6, at);
    }
    const bool all = rng.chance(1, 3);
    if (dice == 2 && knobs.all_at_once) add_deaths(rng, plan, all ? machines : managers, at);
  }
  return plan;
}

}  // namespace swarm::sim
