// Inside the codec: specs.
#pragma once

#include "codec/described.hpp"
#include "model/describe/service_spec.hpp"
#include "specs.pb.h"

namespace swarm::codec {

// Two fields of the spec's message.
template <>
struct Converter<model::ServiceMode> {
  static void put(const model::ServiceMode& from, swarmpy::ServiceSpec& to);
  static void get(const swarmpy::ServiceSpec& from, model::ServiceMode& to, Reading& reading);
};

// Compiled once, in specs.cpp.
SWARM_CONVERSION(extern, model::TaskSpec, swarmpy::TaskSpec)
SWARM_CONVERSION(extern, model::EndpointSpec, swarmpy::EndpointSpec)
SWARM_CONVERSION(extern, model::ServiceSpec, swarmpy::ServiceSpec)

}  // namespace swarm::codec
