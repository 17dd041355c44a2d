// Inside the codec: objects.
#pragma once

#include "codec/kinds.hpp"
#include "codec/specs.hpp"

namespace swarm::codec {

// Compiled once, in objects.cpp.
SWARM_CONVERSION(extern, model::Cluster, swarmpy::Cluster)
SWARM_CONVERSION(extern, model::Node, swarmpy::Node)
SWARM_CONVERSION(extern, model::NodeDescription, swarmpy::NodeDescription)
SWARM_CONVERSION(extern, model::Service, swarmpy::Service)
SWARM_CONVERSION(extern, model::Task, swarmpy::Task)
SWARM_CONVERSION(extern, model::TaskStatus, swarmpy::TaskStatus)
SWARM_CONVERSION(extern, model::TaskTemplateRecord, swarmpy::TaskTemplate)
SWARM_CONVERSION(extern, model::Network, swarmpy::Network)

}  // namespace swarm::codec
