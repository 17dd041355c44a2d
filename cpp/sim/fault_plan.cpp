#include "sim/fault_plan.hpp"

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
                                              {codec, "frames encoded"},
                                              {churn, "churn"},
                                              {short_log.has_value(), "a short log"}};
  for (const auto& [on, name] : all)
    if (on) text += (text.empty() ? "" : ", ") + std::string(name);
  if (bad_network)
    text += " (latency up to " + to_string(network.latency_max) +
            ", per mille: " + std::to_string(network.loss_per_mille) + " lost, " +
            std::to_string(network.duplicate_per_mille) + " doubled, " +
            std::to_string(network.reorder_per_mille) + " late)";
  return text.empty() ? "no faults but killed tasks" : text;
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
      if (const std::string other = pick(); other != name) side.push_back(other);
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
  const std::vector<What> kinds = stormy(knobs);
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

}  // namespace swarm::sim
