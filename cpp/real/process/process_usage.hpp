// What a task's processes use, read from /proc.
#pragma once

#include <sys/types.h>

#include "ports/runner.hpp"

namespace swarm::real {

// Of all descendants of the shim, and not of the shim itself. Memory is what is resident, pages that
// processes share counted in each.
ports::Usage usage_of_tree(pid_t shim);

}  // namespace swarm::real
