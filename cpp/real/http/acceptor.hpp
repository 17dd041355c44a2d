// Acceptor: takes in what arrives at a listening socket, on the reactor's thread, until it is destroyed. Out
// of descriptors, or of room, it rests for a moment: what arrives meanwhile waits in the kernel's queue.
#pragma once

#include <functional>
#include <memory>

#include "real/http/reactor.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {

class Acceptor {
 public:
  // `has_room`: asked before each. `take` may destroy the acceptor.
  Acceptor(Reactor& reactor, Fd listener, std::function<bool()> has_room, std::function<void(Accepted)> take);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  int fd() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace swarm::real
