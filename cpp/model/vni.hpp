// VXLAN network identifiers (RFC 7348): which ones the allocator gives, and the list of them in a network's
// options, "4097,4098".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace swarm::model {

inline constexpr std::uint32_t kFirstVni = 4096,
                               kLastVni = 16'777'215;  // swarmkit: those below are for others

inline std::vector<std::string> split_vnis(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    out.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return out;
}

}  // namespace swarm::model
