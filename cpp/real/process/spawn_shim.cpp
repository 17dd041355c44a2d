#include "real/process/spawn_shim.hpp"

#include <signal.h>
#include <spawn.h>

#include <cstddef>
#include <string>
#include <vector>

#include "real/process/task_room.hpp"
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
int spawn_shim(const std::string& program, const std::string& room, const std::string& directory,
               const std::vector<std::string>& command, std::vector<std::string> environment,
               const std::vector<int>& fds, pid_t& pid) {
  std::vector<std::string> arguments{"swarm-shim"};
  if (room.empty()) {
    arguments.insert(arguments.end(), {kShimFlag, directory});
  } else {
    arguments.insert(arguments.end(), {kRoomFlag, room, directory});
  }
  arguments.insert(arguments.end(), command.begin(), command.end());
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (std::size_t target = 0; target < fds.size(); ++target)
    posix_spawn_file_actions_adddup2(&actions, fds[target], static_cast<int>(target));
  posix_spawn_file_actions_addclosefrom_np(&actions, static_cast<int>(fds.size()));
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
