// What the numbers of a service's spec may be: amounts, spans, ports, counts. Docker's sentence where Docker
// has one, else one of its kind. NOT here: what a number's type can hold (docker/fields), and words and names
// (service_validation).
#pragma once

#include "base/result.hpp"
#include "model/service_spec.hpp"

namespace swarm::control {

Result<void> check_resources(const model::ResourceRequirements& resources);
Result<void> check_restart(const model::RestartPolicy& restart);
Result<void> check_update(const model::UpdateConfig& update);
Result<void> check_container_numbers(const model::ContainerSpec& container);
Result<void> check_replicas(const model::ServiceSpec& spec);
Result<void> check_port_numbers(const model::PortConfig& port);

}  // namespace swarm::control
