// OpenSSL by itself: two connections with memory BIOs, in one thread, with the same certificates. What our
// streams are measured against.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "ports/transport.hpp"

namespace swarm::bench {

class OpensslAlone {
 public:
  OpensslAlone(const ports::Credentials& client, const ports::Credentials& server);
  ~OpensslAlone();
  // Seconds of CPU that one handshake took at the server's end. Resumed when there is a ticket and `resume`.
  double shake(bool resume);
  bool was_resumed() const;
  // Seconds of CPU for `size` bytes, sealed and opened again, with no socket in between: the floor.
  double carry_seconds(std::size_t size, int times);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of this thread, in seconds.
double cpu_seconds();

}  // namespace swarm::bench
