// Lookup: names to objects, everywhere by full id, then exact name, then a prefix of the id that is unique.
#pragma once

#include <string>

#include "docker/errors.hpp"
#include "store/store.hpp"

namespace swarm::docker {

Result<store::Ref<model::Node>> find_node(const store::Store& store,
                                          const std::string& name);  // hostnames are names
Result<store::Ref<model::Service>> find_service(const store::Store& store, const std::string& name);
Result<store::Ref<model::Task>> find_task(const store::Store& store, const std::string& name);
Result<store::Ref<model::Network>> find_network(const store::Store& store, const std::string& name);

}  // namespace swarm::docker
