// Workloads: short stories whose every disk operation is a place to crash.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "play.hpp"

namespace swarm::tools {

struct Workload {
  std::string name, what;
  std::function<void(Play&)> run;
  // What a person does after the crash, where the swarm does not help itself.
  std::function<void(Play&)> help = [](Play&) {};
};

const std::vector<Workload>& workloads();

}  // namespace swarm::tools
