// Crashes: a workload again and again, with a crash at each operation of each disk. The workload runs once;
// at each operation this process forks, and the copy goes on with the crash: no operation is run twice to
// come to a place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads.hpp"

namespace swarm::tools {

// A place to crash: the n-th moment of any disk in this run, and how much of what is not durable stays.
struct Place {
  std::uint64_t moment = 0;
  std::size_t kept = 0;
};

struct CrashOptions {
  std::uint64_t seed = 1;
  std::uint64_t every = 1;  // of the moments, each n-th
  std::size_t jobs = 2;
  bool trace = false;
};

struct Tally {
  std::uint64_t operations = 0;             // moments at which it could crash
  std::uint64_t recoveries = 0, twice = 0;  // and of these with a second crash on the way back
  std::vector<std::string> failures;
  double seconds = 0;
};

// All places of one run; an exception says that the workload itself does not come to its end.
Tally crash_everywhere(const Workload& workload, const CrashOptions& options);
// One of them, in this process: what is broken after it, or "".
std::string crash_at(const Workload& workload, const CrashOptions& options, const Place& place);

}  // namespace swarm::tools
