// OpenSSL by itself: two connections with memory BIOs, in one thread, with the same certificates. What our
// streams are measured against.
#pragma once

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

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of this thread, in seconds.
double cpu_seconds();

}  // namespace swarm::bench
