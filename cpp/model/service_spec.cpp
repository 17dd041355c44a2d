#include "model/service_spec.hpp"

#include "model/container_spec.hpp"  // IWYU pragma: keep: compares what Shared holds

namespace swarm::model {

// Here, so that the header need not know what a container's spec is made of.
bool TaskSpec::operator==(const TaskSpec&) const = default;

}  // namespace swarm::model
