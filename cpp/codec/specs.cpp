#include "codec/specs.hpp"

#include <algorithm>
#include <variant>

#include "codec/described.hpp"
#include "codec/reading.hpp"
#include "model/container_spec.hpp"  // IWYU pragma: keep: converts what Shared holds
#include "model/service_spec.hpp"
#include "specs.pb.h"

namespace swarm::codec {

using model::GlobalMode;
using model::ReplicatedMode;

void Converter<model::ServiceMode>::put(const model::ServiceMode& from, swarmpy::ServiceSpec& to) {
  const auto* replicated = std::get_if<ReplicatedMode>(&from);
  to.set_global(replicated == nullptr);
  if (replicated != nullptr) to.set_replicas(std::min(replicated->replicas, model::kMaxReplicas));
}
void Converter<model::ServiceMode>::get(const swarmpy::ServiceSpec& from, model::ServiceMode& to, Reading&) {
  if (from.global()) {
    to = GlobalMode{};
  } else {
    to = ReplicatedMode{from.replicas()};
  }
}

SWARM_CONVERSION(, model::TaskSpec, swarmpy::TaskSpec)
SWARM_CONVERSION(, model::EndpointSpec, swarmpy::EndpointSpec)
SWARM_CONVERSION(, model::ServiceSpec, swarmpy::ServiceSpec)

}  // namespace swarm::codec
