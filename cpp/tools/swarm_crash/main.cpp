// swarm_crash: a crash at every disk operation of each workload, reopened and checked.
//
//     swarm_crash [--seeds N] [--from K] [--every N] [--jobs 2] [--workload NAME]
//     swarm_crash --workload NAME --seed S --at N --kept K [--trace]
//     swarm_crash --rocks N [--from K] [--seeds N]
//
// The second line is one crash again, as a failure names it. --rocks: N power failures of RocksDB for each of
// the disks that are written again.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/number.hpp"
#include "crashes.hpp"
#ifdef SWARM_CRASH_ROCKS
#include "rocks_crashes.hpp"
#include "tools/swarm_crash/workloads.hpp"
#endif

namespace {

using namespace swarm;
using namespace swarm::tools;

struct Options {
  std::map<std::string, std::uint64_t> numbers{{"--seeds", 1}, {"--from", 1},  {"--every", 1},
                                               {"--jobs", 2},  {"--seed", 1},  {"--at", 0},
                                               {"--kept", 0},  {"--rocks", 0}, {"--rocks", 0}};
  std::string workload;
  bool trace = false;
};

int usage() {
  std::cerr << "usage: swarm_crash [--seeds N] [--from K] [--every N] [--jobs N] [--workload NAME]\n"
               "       swarm_crash --workload NAME --seed S --at N --kept K [--trace]\n"
               "       swarm_crash --rocks N [--from K] [--seeds N]\nworkloads:\n";
  for (const Workload& workload : workloads())
    std::cerr << "  " << std::left << std::setw(14) << workload.name << workload.what << "\n";
  return 2;
}

std::optional<Options> read(int count, char** arguments) {
  Options out;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (word == "--trace") {
      out.trace = true;
    } else if (++i == count) {
      return std::nullopt;
    } else if (word == "--workload") {
      out.workload = arguments[i];
    } else {
      const auto number = parse_whole<std::uint64_t>(arguments[i]);
      const auto found = out.numbers.find(word);
      if (!number || found == out.numbers.end()) return std::nullopt;
      found->second = *number;
    }
  }
  if (out.numbers["--every"] == 0 || out.numbers["--jobs"] == 0) return std::nullopt;
  return out;
}

void tell_row(const std::string& name, const Tally& tally) {
  std::cout << std::left << std::setw(14) << name << std::right << std::setw(12) << tally.operations
            << std::setw(13) << tally.recoveries << std::setw(9) << tally.twice << std::setw(11)
            << tally.failures.size() << std::setw(10) << std::fixed << std::setprecision(1) << tally.seconds
            << std::endl;
}

void tell(const std::string& name, const Tally& tally) {
  tell_row(name, tally);
  for (const std::string& failure : tally.failures) std::cout << "FAIL swarm_crash " << failure << std::endl;
}

void add(Tally& sum, const Tally& more) {
  sum.operations += more.operations;
  sum.recoveries += more.recoveries;
  sum.twice += more.twice;
  sum.failures.insert(sum.failures.end(), more.failures.begin(), more.failures.end());
  sum.seconds += more.seconds;
}

int crash_one(const Workload& workload, Options& options) {
  CrashOptions how;
  how.seed = options.numbers["--seed"];
  how.trace = options.trace;
  const std::string failure = crash_at(workload, how, {options.numbers["--at"], options.numbers["--kept"]});
  std::cout << (failure.empty() ? "all is well" : failure) << "\n";
  return failure.empty() ? 0 : 1;
}

Tally crash_all(const Workload& workload, Options& options) {
  Tally sum;
  CrashOptions how;
  how.every = options.numbers["--every"];
  how.jobs = options.numbers["--jobs"];
  for (std::uint64_t i = 0; i < options.numbers["--seeds"]; ++i) {
    how.seed = options.numbers["--from"] + i;
    add(sum, crash_everywhere(workload, how));
  }
  return sum;
}

#ifdef SWARM_CRASH_ROCKS
int run_rocks(Options& options) {
  // Whose disk: a leader's, one that gets a snapshot, one that is rebuilt, one whose role changes.
  constexpr std::pair<const char*, const char*> kDisks[] = {
      {"services", "m1"}, {"snapshots", "m3"}, {"rebuild", "m2"}, {"rebuild", "m3"}, {"roles", "w1"}};
  Tally sum;
  std::cout << "RocksDB              calls   recoveries    twice   failures   seconds\n";
  for (const auto& [name, machine] : kDisks)
    for (const Workload& workload : workloads())
      for (std::uint64_t i = 0; workload.name == name && i < options.numbers["--seeds"]; ++i) {
        const Tally tally =
            crash_rocks(workload, machine, options.numbers["--rocks"], options.numbers["--from"] + i);
        tell(std::string(name) + " " + machine, tally);
        add(sum, tally);
      }
  tell_row("all", sum);
  return sum.failures.empty() ? 0 : 1;
}
#else
int run_rocks(Options&) { throw std::runtime_error("this build has no RocksDB (SWARM_BUILD_REAL)"); }
#endif

int run(Options& options) {
  if (options.numbers["--rocks"] != 0) return run_rocks(options);
  Tally sum;
  bool found = false;
  if (options.numbers["--at"] == 0)
    std::cout << "workload        operations   recoveries    twice   failures   seconds\n";
  for (const Workload& workload : workloads()) {
    if (!options.workload.empty() && workload.name != options.workload) continue;
    found = true;
    if (options.numbers["--at"] != 0) return crash_one(workload, options);
    const Tally tally = crash_all(workload, options);
    tell(workload.name, tally);
    add(sum, tally);
  }
  if (!found) return usage();
  const bool failed = !sum.failures.empty();
  tell_row("all", sum);
  return failed ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  auto options = read(count, arguments);
  if (!options) return usage();
  try {
    return run(*options);
  } catch (const std::exception& failed) {
    std::cerr << "swarm_crash: " << failed.what() << "\n";
    return 2;
  }
}
