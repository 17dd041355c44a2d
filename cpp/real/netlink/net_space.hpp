// NetSpace: a network namespace that this process holds by a descriptor. It has no name in the file system:
// it ends with its last descriptor, process and socket, a killed daemon's with the daemon.
//
// A process enters one by setns(fd, CLONE_NEWNET) before it executes its program (enter()). Making one costs
// 0.8 ms, so some are kept warm (Pool); the kernel ends one some time after its last holder, and nothing here
// waits for that. A thread that looks into one comes back before the call returns: `run_in` is for threads
// that have no other user.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.hpp"
#include "real/netlink/socket.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::netlink {

class NetSpace {
 public:
  NetSpace() = default;
  explicit NetSpace(Fd fd) : fd_(std::move(fd)) {}

  static Result<NetSpace> make();     // with its loopback up
  static Result<NetSpace> current();  // the calling thread's
  // A second holder of the same one, for another owner.
  Result<NetSpace> share() const;

  int fd() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  int release() { return fd_.release(); }
  // Runs `what` in the namespace, on the calling thread.
  Result<void> run_in(const std::function<Result<void>()>& what) const;
  Result<Socket> open_socket(int protocol) const;

 private:
  Fd fd_;
};

// Puts the calling thread into the namespace for good: a child does so before it executes its program.
// Nothing but a system call. Returns false, with errno, on failure.
bool enter(int fd);

class Pool {
 public:
  explicit Pool(std::size_t size) : size_(size) {}
  Result<NetSpace> take();  // a warm one, or one made now
  Result<void> refill();    // to be called when there is nothing else to do
  std::size_t warm() const { return warm_.size(); }

 private:
  std::size_t size_;
  std::vector<NetSpace> warm_;
};

}  // namespace swarm::real::netlink
