// What users may do to a service: create, update, roll back, remove. Validates, fills defaults, and returns
// the transaction to propose; the texts are Docker's (swarmkit manager/controlapi/service.go).
#pragma once

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {

Result<void> validate_service_spec(const model::ServiceSpec& spec);
// Of any object with a name (swarmkit manager/controlapi/common.go).
Result<void> validate_name(const std::string& name);

Result<model::Transaction> create_service(const store::Store& store, ServiceId id, model::ServiceSpec spec);

struct ServiceUpdate {
  ServiceId id;
  std::uint64_t version =
      0;  // the object's meta.version as the client saw it: "update out of sequence" otherwise
  model::ServiceSpec spec;  // ignored by a rollback
  bool rollback = false;    // back to previous_spec
  WallTime time = {};       // now: when a rollback began
};
// Sets spec_version to the request's version, keeps the spec before as previous_spec, resets update_status.
Result<model::Transaction> update_service(const store::Store& store, ServiceUpdate update);

// Its tasks get desired state REMOVE by the orchestrator's watch, not here.
Result<model::Transaction> remove_service(const store::Store& store, ServiceId id);

}  // namespace swarm::control
