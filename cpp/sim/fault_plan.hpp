// FaultPlan: what goes wrong when, drawn from a seed ("swarm testing": each class of faults is off in half of
// the seeds, so that some seeds see one class alone and long). Every fault that begins has its end in the
// plan.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

// What a seed's world is like.
struct Knobs {
  bool crashes = false, power_cuts = false, pauses = false, partitions = false, one_way_cuts = false;
  bool leader_losses = false, bad_network = false, slow_disks = false, orderly_stops = false;
  bool codec = false;
  bool churn = false;                  // roles change and nodes leave
  std::optional<LogLength> short_log;  // snapshots all the time
  NetworkOptions network;              // while faults last
  static Knobs draw(Rng& rng);
  std::string str() const;
};

struct Fault {
  enum class Kind {
    crash,
    power_off,
    start,
    stop,
    pause,
    resume,
    isolate,
    split,
    cut,
    mend,
    crash_leader,
    transfer
  };
  Instant at;
  Kind kind = Kind::crash;
  std::string machine, other;  // of a split: those on one side, separated by blanks
  std::string str() const;
};

class FaultPlan {
 public:
  static FaultPlan draw(Rng& rng, const Knobs& knobs, const std::vector<std::string>& machines, Instant from,
                        Instant until);
  const std::vector<Fault>& faults() const { return faults_; }
  // Carries out what is due.
  void run(World& world);
  Instant next() const { return next_ < faults_.size() ? faults_[next_].at : Instant::never(); }

 private:
  std::vector<Fault> faults_;  // by time
  std::size_t next_ = 0;
};

}  // namespace swarm::sim
