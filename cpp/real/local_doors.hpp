// What keeps other users of this machine out (docs/adr/0034): the modes of what the daemon makes, of what an
// earlier one left, and the group of its sockets. NOT here: who may come in by the network (tls/), and the
// sockets themselves (http/http_server).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"

namespace swarm::real {

// From here on whatever this process makes is its user's alone, until a chmod says otherwise. Before the
// first thread: the mask is the process's. Tasks get a mask of their own (process/task_shim).
void make_private_files();

// Makes the data root, if need be, and closes it: it belongs to this process's user, and other users have no
// right to it.
Result<void> close_root(const std::string& data_root);
// The same for all that a daemon keeps in it, once this daemon has it to itself. What tasks have made is
// closed by the folders around it.
Result<void> close_inside(const std::string& data_root);

// Returns the id of a group that is given by its name or its number, as with dockerd.
Result<gid_t> group_named(const std::string& name);

}  // namespace swarm::real
