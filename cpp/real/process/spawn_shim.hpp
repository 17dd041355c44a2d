// Starting a shim (task_shim.hpp): a new process with five descriptors and nothing else of this daemon's.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

namespace swarm::real {

// `fds` become 0 to 4: input, output, errors, kControlFd, kLockFd; each is 10 or more. Returns an errno, or
// 0.
int spawn_shim(const std::string& program, const std::string& directory,
               const std::vector<std::string>& command, std::vector<std::string> environment,
               const std::array<int, 5>& fds, pid_t& pid);

}  // namespace swarm::real
