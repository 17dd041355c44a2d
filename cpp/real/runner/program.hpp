// Programs of this machine, found as a shell finds them.
#pragma once

#include <string>

#include "base/result.hpp"

namespace swarm::real {

// $PATH of the daemon, or the usual one where it has none.
std::string program_path();

// The first word of a command: by its path, or in $PATH. An error if it cannot be run.
Result<void> check_program(const std::string& program);

}  // namespace swarm::real
