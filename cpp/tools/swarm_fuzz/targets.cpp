#include "tools/swarm_fuzz/targets.hpp"

#include <string_view>
#include <vector>

namespace swarm::fuzz {

const std::vector<Target>& targets() {
  static const std::vector<Target> all{kFrame, kRecord,     kSnapshot, kHttp,     kSpec, kFilters,
                                       kRaft,  kDatadriven, kToken,    kTemplate, kKeys, kDns};
  return all;
}

const Target* target_named(std::string_view name) {
  for (const Target& target : targets())
    if (name == target.name) return &target;
  return nullptr;
}

}  // namespace swarm::fuzz
