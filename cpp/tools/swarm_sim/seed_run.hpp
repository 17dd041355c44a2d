// One seed of chaos from end to end, as the flags ask for it.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <stdexcept>
#include <string>

#include "sim/chaos.hpp"

namespace swarm::tools {

struct Options {
  std::uint64_t from = 1, seeds = 100;
  std::optional<std::uint64_t> seed;
  std::int64_t seconds = 60;
  bool until_failure = false, twice = false, trace = false, quiet_swarm = false, hashes = false,
       renew = false, upgrades = false;
  std::size_t jobs = 2;
  std::string pinned;
};

// What a failed SWARM_CHECK throws in this program.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Run {
  std::uint64_t hash = 0, events = 0;
  std::string failure;  // empty when every promise was kept
};

Run run_seed(std::uint64_t seed, const Options& options, bool keep_trace, std::ostream* trace = nullptr);

}  // namespace swarm::tools
