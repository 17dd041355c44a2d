// Once: which numbers came already. A link doubles frames; what a frame asks for is done once, also when its
// copy comes after the answer. The sender counts upwards, and a frame is late by a few others only: the
// highest numbers are remembered, and one below all of them counts as a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace swarm::node {

class Once {
 public:
  static constexpr std::size_t kRemembered = 256;

  // Returns true if the number comes for the first time.
  bool take(std::uint64_t number) {
    if (seen_.size() == kRemembered && number < *seen_.begin()) return false;
    if (!seen_.insert(number).second) return false;
    if (seen_.size() > kRemembered) seen_.erase(seen_.begin());
    return true;
  }

 private:
  std::set<std::uint64_t> seen_;
};

}  // namespace swarm::node
