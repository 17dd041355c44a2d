// One target under libFuzzer; SWARM_FUZZ_TARGET names it.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tools/swarm_fuzz/targets.hpp"

namespace {

const swarm::fuzz::Target& chosen() {
  const char* name = std::getenv("SWARM_FUZZ_TARGET");
  const auto* target = swarm::fuzz::target_named(name == nullptr ? "" : name);
  if (target != nullptr) return *target;
  std::cerr << "SWARM_FUZZ_TARGET must name a target: swarm_fuzz --list\n";
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto& target = chosen();
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
