// Socket: a non-blocking TCP socket in an edge-triggered epoll set, and what is known of its readiness.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "real/files.hpp"

namespace swarm::real::relay {

// Whoever is told of a descriptor's events. Alive until the end of the round in which it was given up.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_ready(std::uint32_t events) = 0;
};

struct Socket {
  Fd fd;
  bool can_read = false, can_write = false;  // until a call says otherwise
  bool hung_up = false;                      // read on to the end: no further edge will come
  bool ended_first = false;                  // broken, but after the other end had said all

  bool open() const { return fd.valid(); }
  void note(std::uint32_t events);
  // > 0: bytes; 0: the other end has closed its half; kLater; kBroken.
  static constexpr std::ptrdiff_t kLater = -1, kBroken = -2;
  std::ptrdiff_t read(char* to, std::size_t most);
  std::ptrdiff_t write(const char* from, std::size_t count);
  std::ptrdiff_t failed();  // by errno
  bool has_more() const;    // bytes came that nobody has read yet, before a reset too
  void shut_writing();
  void reset();  // closes with RST, so that the other end knows
};

// Invalid, with errno, when it cannot be.
Fd listen_on(const Address& address);
// `refused`: it failed at once. Not connected yet unless `connected`.
struct Dialled {
  Fd fd;
  bool connected = false, refused = false;
};
Dialled dial(const Address& to, const Address& source);
int connect_error(int fd);  // after the first readiness
void tune(int fd);          // no delay, keep-alive
void tune_link(int fd);     // and: a dead peer's machine is noticed within ten seconds
Address peer_of(int fd);

}  // namespace swarm::real::relay
