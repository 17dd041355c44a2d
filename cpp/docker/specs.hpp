// Docker's JSON of specs, both ways: what a client sends is read, kept whole, and written back the same. The
// descriptions (model/describe) say which fields there are, and how they are shown.
//
// Reading fills in what Docker fills in (mode, runtime, orders); it does not judge values: control/ does.
#pragma once

#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"

namespace swarm::docker {

// ---- services
Result<model::ServiceSpec> read_service_spec(const Value& body);
// `defaults`: the query insertDefaults of GET /services/{id}.
void write_service_spec(Json& json, const model::ServiceSpec& spec, bool defaults = false);
// For a task: without the runtime.
void write_task_spec(Json& json, const model::TaskSpec& spec);

// ---- nodes and the cluster
Result<model::NodeSpec> read_node_spec(const Value& body);
void write_node_spec(Json& json, const model::NodeSpec& spec);
// Zero and absent mean the default, on init and on update alike (moby daemon/cluster/swarm.go, Update).
model::ClusterSpec read_cluster_spec(const Fields& from);
void write_cluster_spec(Json& json, const model::ClusterSpec& spec);
// "active" for an empty word; an error for an unknown word.
Result<model::Availability> read_availability(const std::string& word);

}  // namespace swarm::docker
