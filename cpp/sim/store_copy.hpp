// A whole store as another one: what replicas and recordings begin with.
#pragma once

#include <memory>

#include "store/store.hpp"

namespace swarm::sim {

std::unique_ptr<store::Store> copy_of(const store::Store& store);

}  // namespace swarm::sim
