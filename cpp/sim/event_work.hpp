// EventWork: clients that follow /swarmpy/v1/events of managers while all else goes on. Within one stream
// each change is told once, and in order: what an event says was before is what the last one said is now
// (reliability.md, invariant 22). A stream that breaks off is opened anew, and begins from nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "sim/world.hpp"

namespace swarm::docker {
class Value;
}

namespace swarm::sim {

class EventWork {
 public:
  // `gapless`: no manager takes in a snapshot, which brings changes without events.
  EventWork(World& world, Rng rng, std::vector<std::string> managers, bool gapless)
      : world_(world), rng_(rng), managers_(std::move(managers)), gapless_(gapless) {}

  void poll();
  const std::string& broken() const { return broken_; }  // the first contradiction, in words; "" for none

 private:
  void take(const std::string& line);
  void task_event(const std::string& id, const std::string& action, const docker::Value* attributes);
  void object_event(const std::string& id, const std::string& action, const docker::Value* attributes);
  void begin();

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_;
  bool gapless_;
  CallId call_ = 0;
  Instant next_;
  std::string asked_, rest_, broken_;
  std::map<std::string, std::string> last_;           // "ID attribute" -> its last value
  std::map<std::string, std::pair<int, int>> tasks_;  // state and desired state
  std::set<std::string> created_, removed_;           // ids
};

}  // namespace swarm::sim
