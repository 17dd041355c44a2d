// RocksCrashes: what a simulated manager wrote to its disk, written again to a real data root whose RocksDB
// loses its power at the n-th call; then reopened and compared with what was answered.
#pragma once

#include "crashes.hpp"

namespace swarm::tools {

// Some `recoveries` of them, spread over all calls. An exception says that it cannot be done here.
Tally crash_rocks(const Workload& workload, const std::string& machine, std::uint64_t recoveries,
                  std::uint64_t seed);

}  // namespace swarm::tools
