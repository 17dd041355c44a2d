// The word on a disk that its node has left its swarm, so that what is still here of it goes. Without it, a
// node that does not know its name any more has lost it, and nothing is deleted.
#pragma once

namespace swarm::ports {

inline constexpr const char* kLeftKey = "left";  // of Family::format

}  // namespace swarm::ports
