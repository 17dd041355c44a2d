// A disk that has another value of one stored object than was written there, in a record that can be read:
// what no checksum of a file finds (a bit that flipped before it was written, a defect, a hand).
#pragma once

#include <string>

#include "base/rng.hpp"
#include "ports/disk.hpp"

namespace swarm::sim {

// Changes one object that `rng` chooses, with a batch that the caller waits for. Returns which in words; ""
// where there is none that can be changed.
std::string alter_object(ports::Disk& disk, Rng& rng);

}  // namespace swarm::sim
