// What users may do to a network: create and remove. Validates, and returns the transaction to propose; the
// texts are Docker's (swarmkit manager/controlapi/network.go). The allocator gives a network its subnet.
#pragma once

#include <set>

#include "base/result.hpp"
#include "model/network.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {

Result<model::Transaction> create_network(const store::Store& store, model::Network network);

// Refused while a service or a task that goes on is on it.
Result<model::Transaction> remove_network(const store::Store& store, NetworkId id);

// Those that nothing uses, and that may be removed. Costs the services and the networks.
std::set<NetworkId> unused_networks(const store::Store& store);

}  // namespace swarm::control
