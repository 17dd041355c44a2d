// How much one request may write: what a leader can send to every member, at once, beside its heartbeats.
#pragma once

#include <cstddef>

#include "base/result.hpp"

namespace swarm::control {

// SwarmKit's limit (manager/state/store/memory.go: MaxTransactionBytes). Of the objects as they stand in the
// log; an update writes the spec before it, too.
inline constexpr std::size_t kMaxRequestBytes = 1'572'864;

// Of a client's request. A control loop's plan is bounded by its actions (store::kMaxActions), and what a
// node says of itself by its message (codec/wire.cpp).
Result<void> check_request_size(std::size_t bytes);

}  // namespace swarm::control
