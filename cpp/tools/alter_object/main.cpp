// alter_object DATA_ROOT [SEED]: gives one object of a stopped manager another value. For tests.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include "base/number.hpp"
#include "base/rng.hpp"
#include "real/rocks_disk.hpp"
#include "sim/altered_object.hpp"

int main(int count, char** arguments) {
  const auto seed = count > 2 ? swarm::parse_whole<std::uint64_t>(arguments[2]) : std::uint64_t{1};
  if (count < 2 || count > 3 || !seed) {
    std::cerr << "usage: alter_object DATA_ROOT [SEED]\n";
    return EXIT_FAILURE;
  }
  std::string failed;
  auto disk = swarm::real::RocksDisk::open(
      arguments[1],
      {[](std::uint64_t) {}, [&](std::uint64_t, std::string sentence) { failed = std::move(sentence); },
       [](const std::string&) {}, [](const std::string&) {}});
  if (!disk) {
    std::cerr << disk.error().message << "\n";
    return EXIT_FAILURE;
  }
  if (const auto unusable = (*disk)->unusable()) {
    std::cerr << unusable->why << "\n";
    return EXIT_FAILURE;
  }
  swarm::Rng rng(*seed);
  const std::string what = swarm::sim::alter_object(**disk, rng);
  disk->reset();  // all that was committed is on the disk
  if (what.empty() || !failed.empty()) {
    std::cerr << (failed.empty() ? "there is no object to change" : failed) << "\n";
    return EXIT_FAILURE;
  }
  std::cout << what << "\n";
  return EXIT_SUCCESS;
}
