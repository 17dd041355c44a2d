// The answer to: which tasks answer a connection from a task to an address? The simulator asks it, and it
// explains a network to a person. It is what a kernel does that equals the desired network
// (overlay_random_test proves it).
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/table.hpp"

namespace swarm::overlay {

struct Answer {
  std::vector<TaskId> tasks;  // those that can: by a VIP one of several, each with the same chance
  NetworkId network;          // by which it goes; empty: by none
  bool by_vip = false;
  std::string reason;  // why none can; empty when one can
};

Answer who_answers(const Table& table, TaskId from, const Address& to);

}  // namespace swarm::overlay
