// HostDoor: listening sockets in the network namespace that the hub was started in, once the hub has left it
// for a user namespace of its own, out of which there is no way back: a child that was forked before, asked
// by a socket. It is one process that waits, and ends with the hub.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

class HostDoor {
 public:
  static Result<HostDoor> open();
  ~HostDoor();  // the child has ended
  HostDoor(HostDoor&&) = default;
  HostDoor& operator=(HostDoor&&) = default;
  Result<Fd> listen(const Address& at);

 private:
  HostDoor(Fd socket, pid_t child) : socket_(std::move(socket)), child_(child) {}
  Fd socket_;
  pid_t child_;
};

}  // namespace swarm::real
