// The daemon's side of a task's room (task_room.hpp): what its process finds in the task's folder.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace swarm::real {

struct Room {
  std::string folder;       // the task's own: the only one of the daemon's that it sees
  std::string resolv_conf;  // texts
  std::string hosts;
  std::string data_root;             // of the daemon, or a folder that it is in: hidden
  std::vector<std::string> sockets;  // of its API, and other files and folders: hidden
};
Result<void> prepare_room(const Room& room);

// "10.0.1.3  web", with the names that every machine has (moby, libnetwork/etchosts).
std::string hosts_of(const std::string& address, const std::string& hostname);

}  // namespace swarm::real
