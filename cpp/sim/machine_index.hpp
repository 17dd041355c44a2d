#pragma once

#include <cstdint>

namespace swarm::sim {

using MachineIndex = std::uint32_t;  // of a world's machines, in the order in which they were added

}  // namespace swarm::sim
