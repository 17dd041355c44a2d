// ServedDoor: Docker's door (HTTP over a unix socket or TCP) in front of one machine of a simulated world.
// While it is open the world's time follows the wall clock; a thread of its own runs the sockets and keeps
// the pace.
//
// NOT here: Python, and what requests mean: they go into the world and come back out of it unread.
// Invariants: the door's thread takes the interpreter's lock only where a check is asked (checks.hpp);
// close() has joined it when it returns.
#pragma once

#include <memory>
#include <string>

#include "bindings/world_host.hpp"

namespace swarm::bindings {

class ServedDoor {
 public:
  // Throws UsageError when the machine does not exist or the address cannot be had.
  ServedDoor(std::shared_ptr<WorldHost> host, std::string machine, const std::string& url);
  ~ServedDoor();
  ServedDoor(const ServedDoor&) = delete;
  ServedDoor& operator=(const ServedDoor&) = delete;

  const std::string& url() const;  // that was really bound
  void close();                    // safe to call twice

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::bindings
