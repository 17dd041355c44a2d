// Addresses of tasks on one machine: one in 127.0.0.0/8 per task, unlike every other task's and node's,
// whichever daemon runs it. (127.0.0.0/8 is the process runner's business; nothing else in the engine knows
// of it.)
//
// An address is held by an abstract unix socket named after it: the kernel lets one process have it, and
// takes it back when that process dies, however it dies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "real/files.hpp"

namespace swarm::real {

struct TaskAddress {
  Address address;
  Fd lease;
};

class TaskAddresses {
 public:
  // Nodes begin at different places, so that they seldom meet.
  explicit TaskAddresses(const std::string& node_name);
  std::optional<TaskAddress> take();  // nothing: all are taken

 private:
  std::uint32_t next_;
};

// The number that a task binds instead of `port`: itself, or, where ports below 1024 need a right that this
// process does not have, 10000 more.
std::uint32_t bindable_port(std::uint32_t port);

}  // namespace swarm::real
