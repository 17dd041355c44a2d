// Docker's JSON of specs, both ways: what a client sends is read, kept whole, and written back the same.
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

enum class TaskSpecOf : std::uint8_t { service, service_with_defaults, task };
void write_task_spec(Json& json, const model::TaskSpec& spec, TaskSpecOf owner);
model::TaskSpec read_task_spec(const Fields& from);
void write_ports(Json& json, std::string_view name, const std::vector<model::PortConfig>& ports);
void write_endpoint_spec(Json& json, const model::EndpointSpec& spec);

// ---- containers
model::ContainerSpec read_container_spec(const Fields& from);
void write_container_spec(Json& json, const model::ContainerSpec& spec, bool defaults);

// ---- parts
std::vector<model::GenericResource> read_generic_resources(const Fields& from, std::string_view name);
void write_generic_resources(Json& json, std::string_view name,
                             const std::vector<model::GenericResource>& all);
std::optional<model::Driver> read_driver(const Fields& from);
void write_driver(Json& json, std::string_view name, const model::Driver& driver);
void write_annotations(Json& json, const model::Annotations& annotations);

// ---- nodes and the cluster
Result<model::NodeSpec> read_node_spec(const Value& body);
void write_node_spec(Json& json, const model::NodeSpec& spec);
// Zero and absent mean the default, on init and on update alike (moby daemon/cluster/swarm.go, Update).
model::ClusterSpec read_cluster_spec(const Fields& from);
void write_cluster_spec(Json& json, const model::ClusterSpec& spec);
// "active" for an empty word; an error for what is none of the three.
Result<model::Availability> read_availability(const std::string& word, bool may_be_empty);

}  // namespace swarm::docker
