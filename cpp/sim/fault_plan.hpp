// The storm of a chaos seed: what its world is like (Knobs) and what goes wrong when, as a plan of faults.
// Drawn from the seed ("swarm testing": each class of faults is off in half of the seeds, so that some seeds
// see one class alone and long). NOT here: drawing for users (faults/draw), which keeps a quorum; a storm
// need not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "faults/plan.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

// What a seed's world is like.
struct Knobs {
  bool crashes = false, power_cuts = false, pauses = false, partitions = false, one_way_cuts = false;
  bool leader_losses = false, bad_network = false, slow_disks = false, orderly_stops = false;
  bool bad_links = false, holds = false, throttles = false, wrong_clocks = false, failing_disks = false;
  bool flipped_bits = false, lost_tails = false, all_at_once = false;
  bool older_copies = false, clones = false;
  bool networks = false;  // a client makes overlay networks, and services on them
  bool codec = false;
  bool churn = false;             // roles change and nodes leave
  bool roles_and_deaths = false;  // ... of any manager, also while another one dies
  bool upgrades = false;          // machines run builds of two feature levels
  std::size_t managers = 3, workers = 2;
  std::optional<LogLength> short_log;  // snapshots all the time
  NetworkOptions network;              // while faults last
  static Knobs draw(Rng& rng);
  // The classes that came later, each from a generator of its own: one more class changes no other's draws.
  void draw_later(std::uint64_t seed);
  std::string str() const;
};

// Of `length`; begins two seconds after the storm does.
faults::Plan draw_storm(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines,
                        Duration length);
// The kinds of faults that were added later (links, disks, clocks, pace), drawn from a generator of their
// own.
faults::Plan draw_later_kinds(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines,
                              Duration length);
// The one manager that may forget in a run with lost tails or flipped bits: the first draw of their
// generator.
std::string loser_of(Rng& losses, const std::vector<std::string>& managers);
// Disks that are not what they were after a crash: of one manager only, since Raft bears no more; and all
// managers that go down at one moment.
faults::Plan draw_losses(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines,
                         const std::vector<std::string>& managers, Duration length);

}  // namespace swarm::sim
