// Starting a shim (task_shim.hpp): a new process with the descriptors that it needs and nothing else of this
// daemon's.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace swarm::real {

// `fds` become 0, 1, ...: input, output, errors, kControlFd, kLockFd, and with a room kSpaceFd; each is 10 or
// more. `room`: the task's folder; "" without one. Returns an errno, or 0.
int spawn_shim(const std::string& program, const std::string& room, const std::string& directory,
               const std::vector<std::string>& command, std::vector<std::string> environment,
               const std::vector<int>& fds, pid_t& pid);

}  // namespace swarm::real
