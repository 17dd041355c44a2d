// Shared: what all simulated ports of one world use. Plain values.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "sim/chronicle.hpp"
#include "sim/event_queue.hpp"
#include "sim/recorder.hpp"
#include "sim/requests.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

struct Shared {
  explicit Shared(const WorldOptions& world_options)
      : options(world_options), recorder(world_options.record_trace) {}

  WorldOptions options;
  model::Build build;  // the newest that any machine runs
  EventQueue queue;
  Instant now;
  Recorder recorder;
  std::unique_ptr<Chronicle> chronicle;  // null: none is recorded
  RequestLog requests;
  std::map<std::string, ImageScript, std::less<>> scripts;
  std::string damage;  // what disks have lost that was durable: then the run is outside of what Raft assumes
  // Machines whose disk has another value of an object, and the member of the Raft group that each was then
  // (none: not seen yet): as this member it differs from the others.
  std::map<MachineIndex, raft::PeerId> altered;
  std::map<MachineIndex, MachineIndex> clones;  // each with the machine whose disk it began with
  // Machines whose disk came back as an older copy while no other machine counted on what it has lost.
  std::set<MachineIndex> older;
  std::map<TaskId, MachineIndex> started;  // where each task was started: once and nowhere else

  // For the sentence of a broken invariant.
  std::string caveat() const {
    return damage.empty() ? "" : ". This run is outside of what Raft assumes: " + damage;
  }
  WallTime wall() const { return options.epoch + (now - Instant{}); }
};

inline Duration draw(Rng& rng, Duration min, Duration max) {
  return min >= max ? min : Duration{rng.between(min.ns, max.ns)};
}

// A generator for one part of one machine, whatever the others draw.
inline Rng part_rng(std::uint64_t seed, std::uint64_t machine, std::uint64_t part) {
  Rng rng(seed * 0x9e3779b97f4a7c15ULL + machine * 0x100000001b3ULL + part);
  return rng.fork();
}

}  // namespace swarm::sim
