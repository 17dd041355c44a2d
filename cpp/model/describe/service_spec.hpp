// The fields of a service's spec (Docker Engine API, ServiceSpec), in the order of Docker's JSON.
#pragma once

#include "model/describe/container_spec.hpp"
#include "model/describe/resources.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

struct RuntimeWay;  // "container", or refused; left out when it is empty
struct SpreadWay;   // a list of {"Spread":{"SpreadDescriptor":...}}
struct ModeWay;     // one object of two, named as the mode

SWARM_DESCRIBE(RestartPolicy) {
  SWARM_ROW(condition, always("Condition"));
  SWARM_ROW(delay, omit("Delay"));
  SWARM_ROW(max_attempts, always("MaxAttempts"));
  SWARM_ROW(window, omit("Window"));
}

SWARM_DESCRIBE(Platform) {
  SWARM_ROW(architecture, omit("Architecture"));
  SWARM_ROW(os, omit("OS"));
}

SWARM_DESCRIBE(Placement) {
  SWARM_ROW(constraints, omit("Constraints"));
  SWARM_ROW(spread_preferences, as<SpreadWay>("Preferences"));
  SWARM_ROW(max_replicas, omit("MaxReplicas"));
  SWARM_ROW(platforms, omit("Platforms"));
}

SWARM_DESCRIBE(NetworkAttachment) {
  SWARM_ROW(target, omit("Target"));
  SWARM_ROW(aliases, omit("Aliases"));
  SWARM_ROW(driver_opts, omit("DriverOpts"));
}

SWARM_DESCRIBE(ResourceRequirements) {
  SWARM_ROW(limits, omit("Limits"));
  SWARM_ROW(reservations, omit("Reservations"));
}

SWARM_DESCRIBE(TaskSpec) {
  SWARM_ROW(container, omit("ContainerSpec"));
  SWARM_ROW(resources, omit("Resources"));
  SWARM_ROW(restart, omit("RestartPolicy"));
  SWARM_ROW(placement, omit("Placement"));
  SWARM_ROW(networks, omit("Networks"));
  SWARM_ROW(log_driver, omit("LogDriver"));
  SWARM_ROW(force_update, always("ForceUpdate"));
  SWARM_ROW(runtime, as<RuntimeWay>("Runtime"));
}

SWARM_DESCRIBE(UpdateConfig) {
  SWARM_ROW(parallelism, always("Parallelism"));
  SWARM_ROW(delay, omit("Delay"));
  SWARM_ROW(failure_action, always("FailureAction"));
  SWARM_ROW(monitor, omit("Monitor"));
  SWARM_ROW(max_failure_ratio, always("MaxFailureRatio"));
  SWARM_ROW(order, always("Order"));
}

SWARM_DESCRIBE(PortConfig) {
  SWARM_ROW(name, omit("Name"));
  SWARM_ROW(protocol, always("Protocol"));
  SWARM_ROW(target_port, omit("TargetPort"));
  SWARM_ROW(published_port, omit("PublishedPort"));
  SWARM_ROW(publish_mode, always("PublishMode"));
}

SWARM_DESCRIBE(EndpointSpec) {
  SWARM_ROW(mode, always("Mode"));
  SWARM_ROW(ports, omit("Ports"));
}

SWARM_DESCRIBE(ServiceSpec) {
  SWARM_ROW(annotations, flat);
  SWARM_ROW(task, always("TaskTemplate"));
  SWARM_ROW_SPREAD(mode, as<ModeWay>("Mode"));
  SWARM_ROW(update, omit("UpdateConfig"));
  SWARM_ROW(rollback, omit("RollbackConfig"));
  SWARM_ROW(networks, omit("Networks"));
  SWARM_ROW(endpoint, omit("EndpointSpec"));
}

}  // namespace swarm::model
