// The fields of what a log entry carries (model/transaction.hpp).
#pragma once

#include "model/describe/kinds.hpp"
#include "model/transaction.hpp"

namespace swarm::model {

SWARM_FIELDS(Remove, kind, id, version)
SWARM_FIELDS(TaskStep, id, version, desired_state, node_id, status, reported_by, attachments)

// `manager`: a field of its own says whether the step changes it at all.
SWARM_DESCRIBE(NodeStep) {
  SWARM_ROW(id);
  SWARM_ROW(status);
  SWARM_ROW(description);
  SWARM_ROW(role);
  SWARM_ROW_SPREAD(manager);
}

SWARM_FIELDS(Transaction, request, time, actions)

SWARM_DESCRIBE(Put) { SWARM_ROW_SPREAD(object); }

SWARM_CASE(Action, Put, put)
SWARM_CASE(Action, Remove, remove)
SWARM_CASE(Action, TaskStep, task_step)
SWARM_CASE(Action, NodeStep, node_step)
SWARM_CASE(Action, WriteKey, write_key)

}  // namespace swarm::model
