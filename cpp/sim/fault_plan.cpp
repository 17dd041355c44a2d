#include "sim/fault_plan.hpp"

#include <algorithm>
#include <sstream>

#include "sim/client.hpp"

namespace swarm::sim {
namespace {

using Kind = Fault::Kind;

const char* word(Kind kind) {
  constexpr const char* kWords[] = {"crash", "power off", "start",        "stop",
                                    "pause", "resume",    "isolate",      "split",
                                    "cut",   "mend",      "crash leader", "transfer leadership"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string one; in >> one;) words.push_back(one);
  return words;
}

void separate(World& world, const std::vector<std::string>& side) {
  std::vector<std::string> rest;
  for (const auto& name : world.machines())
    if (std::find(side.begin(), side.end(), name) == side.end()) rest.push_back(name);
  world.partition({side, rest});
}

void carry_out(World& world, const Fault& fault) {
  world.note("fault", fault.str());
  switch (fault.kind) {
    case Kind::crash:
      return world.crash(fault.machine);
    case Kind::power_off:
      return world.power_off(fault.machine);
    case Kind::start:
      // All that is down: a lost leader is known only when it is lost.
      for (const auto& name : world.machines())
        if (fault.machine.empty() || fault.machine == name) world.start(name);
      return;
    case Kind::stop:
      return world.shut_down(fault.machine);
    case Kind::pause:
      return world.pause(fault.machine);
    case Kind::resume:
      return world.resume(fault.machine);
    case Kind::isolate:
      return separate(world, {fault.machine});
    case Kind::split:
      return separate(world, split_words(fault.machine));
    case Kind::cut:
      return world.cut(fault.machine, fault.other);
    case Kind::mend:
      return world.heal();
    case Kind::crash_leader:
      if (const std::string leader = leader_of(world); !leader.empty()) world.crash(leader);
      return;
    case Kind::transfer:
      if (const std::string leader = leader_of(world); !leader.empty())
        world.hang_up(world.call(leader, post("/swarmpy/v1/raft/transfer")));
      return;
  }
}

}  // namespace

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

std::string Fault::str() const {
  return to_string(at - Instant{}) + " " + word(kind) + (machine.empty() ? "" : " " + machine) +
         (other.empty() ? "" : " -> " + other);
}

FaultPlan FaultPlan::draw(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines,
                          Instant from, Instant until) {
  std::vector<std::pair<Kind, Kind>> kinds;  // how it begins, how it ends
  if (knobs.crashes) kinds.emplace_back(Kind::crash, Kind::start);
  if (knobs.power_cuts) kinds.emplace_back(Kind::power_off, Kind::start);
  if (knobs.orderly_stops) kinds.emplace_back(Kind::stop, Kind::start);
  if (knobs.pauses) kinds.emplace_back(Kind::pause, Kind::resume);
  if (knobs.partitions) kinds.emplace_back(Kind::isolate, Kind::mend);
  if (knobs.partitions) kinds.emplace_back(Kind::split, Kind::mend);
  if (knobs.one_way_cuts) kinds.emplace_back(Kind::cut, Kind::mend);
  if (knobs.leader_losses) kinds.emplace_back(Kind::crash_leader, Kind::start);
  if (knobs.leader_losses) kinds.emplace_back(Kind::transfer, Kind::transfer);
  FaultPlan plan;
  if (kinds.empty()) return plan;
  const auto pick = [&] { return machines[rng.below(machines.size())]; };
  for (Instant at = from; at < until; at = at + Duration::millis(rng.between(200, 6'000))) {
    const auto [begin, end] = kinds[rng.below(kinds.size())];
    Fault fault{at, begin, pick(), {}};
    if (begin == Kind::crash_leader || begin == Kind::transfer) fault.machine.clear();
    if (begin == Kind::cut) fault.other = pick();
    if (begin == Kind::split) fault.machine += " " + pick();
    plan.faults_.push_back(fault);
    if (begin == end) continue;
    const Instant over =
        at + Duration::millis(rng.chance(1, 4) ? rng.between(5'000, 20'000) : rng.between(100, 5'000));
    plan.faults_.push_back(
        {over, end, end == Kind::mend || begin == Kind::crash_leader ? "" : fault.machine, {}});
  }
  std::stable_sort(plan.faults_.begin(), plan.faults_.end(),
                   [](const Fault& a, const Fault& b) { return a.at < b.at; });
  std::erase_if(plan.faults_, [&](const Fault& fault) { return fault.at >= until; });
  return plan;
}

void FaultPlan::run(World& world) {
  while (next() <= world.now()) carry_out(world, faults_[next_++]);
}

}  // namespace swarm::sim
