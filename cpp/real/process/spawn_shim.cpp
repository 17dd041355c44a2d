#include "real/process/spawn_shim.hpp"

#include <signal.h>
#include <spawn.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "real/process/task_shim.hpp"

namespace swarm::real {
namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

// posix_spawn shares memory until exec: no copy of a large daemon's page tables, and no allocation in
// between.
int spawn_shim(const std::string& program, const std::string& directory,
               const std::vector<std::string>& command, std::vector<std::string> environment,
               const std::array<int, 5>& fds, pid_t& pid) {
  std::vector<std::string> arguments{"swarm-shim", kShimFlag, directory};
  arguments.insert(arguments.end(), command.begin(), command.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int target = 0; target < 5; ++target)
    posix_spawn_file_actions_adddup2(&actions, fds[static_cast<std::size_t>(target)], target);
  posix_spawn_file_actions_addclosefrom_np(&actions, 5);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  const int failed = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

}  // namespace swarm::real
