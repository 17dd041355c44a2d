#include "sim/fault_plan.hpp"

#include "base/check.hpp"
#include "faults/draw.hpp"

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

}  // namespace

Plan draw_storm(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines, Duration length) {
  enum class What { kill, power_off, stop, freeze, isolate, split, cut, kill_leader, transfer };
  std::vector<What> kinds;
  if (knobs.crashes) kinds.push_back(What::kill);
  if (knobs.power_cuts) kinds.push_back(What::power_off);
  if (knobs.orderly_stops) kinds.push_back(What::stop);
  if (knobs.pauses) kinds.push_back(What::freeze);
  if (knobs.partitions) kinds.insert(kinds.end(), {What::isolate, What::split});
  if (knobs.one_way_cuts) kinds.push_back(What::cut);
  if (knobs.leader_losses) kinds.insert(kinds.end(), {What::kill_leader, What::transfer});
  Plan plan;
  if (kinds.empty()) return plan;
  const auto pick = [&] { return machines[rng.below(machines.size())]; };
  for (Duration at = Duration::seconds(2); at < length; at = at + Duration::millis(rng.between(200, 6'000))) {
    const What what = kinds[rng.below(kinds.size())];
    const std::string name = pick();
    Fault fault = of(Kind::kill, at, what == What::kill_leader ? "leader" : name);
    if (what == What::power_off) fault.kind = Kind::power_off;
    if (what == What::stop) fault.kind = Kind::stop;
    if (what == What::freeze) fault.kind = Kind::freeze;
    if (what >= What::isolate && what != What::kill_leader) fault.arguments.clear();
    if (what == What::transfer) fault.kind = Kind::transfer;
    if (what == What::isolate || what == What::split) {
      fault.kind = Kind::partition;
      Names side{name};
      if (what == What::split) side.push_back(pick());
      if (side.back() == name) side.resize(1);
      fault.set("groups", faults::Groups{side});
    }
    if (what == What::cut) {
      fault.kind = Kind::cut;
      const std::string other = pick();
      fault.set("from", Names{name}).set("to", Names{other}).set("both", false);
      if (other == name) fault.set("to", Names{"*"});
    }
    if (what != What::transfer) fault.lasts = some_length(rng);
    plan.faults.push_back(std::move(fault));
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
