// A user namespace for a process of a plain user, in which it may make network namespaces.
#pragma once

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

// Puts this process, which must have one thread, into a user namespace and a network namespace of its own,
// and gives the first one. This user is called root there; its rights outside stay what they were.
Result<Fd> enter_own_user_space();

}  // namespace swarm::real
