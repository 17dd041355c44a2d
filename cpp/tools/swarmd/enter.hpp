// Namespaces that this process is to run in: those of a local cluster's node (real/hub), or any other's.
#pragma once

#include <string>

#include "base/result.hpp"

namespace swarm {

struct Spaces {
  std::string user, net;  // paths, "/proc/self/fd/5" or "/run/netns/m1"; empty: stay
};

// Enters them for good, the user namespace first: with the rights in it the other one may be entered. The
// process must have one thread.
Result<void> enter_spaces(const Spaces& spaces);

}  // namespace swarm
