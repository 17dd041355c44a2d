// Names are compared without case (swarmkit manager/state/store): ASCII only, the same on every machine.
#pragma once

#include <string>
#include <string_view>

namespace swarm::store {

std::string lower(std::string_view text);

}  // namespace swarm::store
