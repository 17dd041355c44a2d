// The fields of a task (model/task.hpp).
#pragma once

#include "model/describe/meta.hpp"
#include "model/describe/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::model {

SWARM_DESCRIBE(ContainerStatus) {
  SWARM_ROW(container_id, always("ContainerID"));
  SWARM_ROW(pid, always("PID"));
  SWARM_ROW(exit_code, always("ExitCode"));
}

SWARM_DESCRIBE(TaskStatus) {
  SWARM_ROW(timestamp, always("Timestamp"));
  SWARM_ROW(state, always("State"));
  SWARM_ROW(message, omit("Message"));
  SWARM_ROW(err, omit("Err"));
  SWARM_ROW(container, omit("ContainerStatus"));
  SWARM_ROW(port_status, omit("PortStatus.Ports"));
}

SWARM_FIELDS(TaskTemplate, spec, service, endpoint)

SWARM_DESCRIBE(TaskTemplateRecord) {
  SWARM_ROW(service_id);
  SWARM_ROW(spec_version);
  SWARM_ROW_SPREAD(templ);
}

SWARM_FIELDS(TaskAttachment, network_id, addresses, ingress)
SWARM_FIELDS(RestartMark, at, count)
SWARM_FIELDS(RestartRecord, delay, attempts, ran, marks)

// Without its template: the log and the disk name it by service and version. docker/objects.cpp writes its
// JSON.
SWARM_FIELDS(Task, id, meta, service_id, slot, node_id, spec_version, desired_state, status, applied_at,
             restarts, attachments)
SWARM_CASE(Put, Task, task)

}  // namespace swarm::model
