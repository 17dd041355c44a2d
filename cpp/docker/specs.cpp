#include "docker/specs.hpp"

#include <optional>

#include "base/result.hpp"
#include "docker/described.hpp"
#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/defaults.hpp"
#include "model/describe/cluster.hpp"
#include "model/describe/node.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"

namespace swarm::docker {
namespace {

// swarmkit api/defaults/service.go, as moby fills them in.
void insert_defaults(std::optional<model::UpdateConfig>& config) {
  if (config) return;
  config = model::default_update_config();
  config->monitor = model::kUpdateMonitor;
}
model::ServiceSpec with_defaults(model::ServiceSpec spec) {
  model::TaskSpec& task = spec.task;
  if (task.container) {
    model::ContainerSpec& container = task.container.edit();
    if (!container.stop_grace_period) container.stop_grace_period = model::kStopGracePeriod;
    if (!container.dns_config) container.dns_config.emplace();
  }
  if (!task.resources) task.resources.emplace();
  if (!task.restart) task.restart.emplace().delay = model::kRestartDelay;
  if (!task.placement) task.placement.emplace();
  insert_defaults(spec.update);
  insert_defaults(spec.rollback);
  return spec;
}

template <class T>
void zero_means(const T& otherwise, T& value) {
  if (value == T{}) value = otherwise;
}

template <class T>
Result<T> read_body(const Value& body, const char* name) {
  Issues issues;
  T spec;
  read_fields(Fields(&body, issues, name), spec);
  if (issues.any()) return issues.first();
  return spec;
}

}  // namespace

Result<model::ServiceSpec> read_service_spec(const Value& body) {
  return read_body<model::ServiceSpec>(body, "ServiceSpec");
}

void write_service_spec(Json& json, const model::ServiceSpec& spec, bool defaults) {
  if (defaults) return write_service_spec(json, with_defaults(spec));
  if (!spec.task.runtime.empty()) return write_value(json, spec);
  model::ServiceSpec shown = spec;
  shown.task.runtime = "container";
  write_value(json, shown);
}

void write_task_spec(Json& json, const model::TaskSpec& spec) {
  model::TaskSpec shown = spec;
  shown.runtime.clear();
  write_value(json, shown);
}

Result<model::NodeSpec> read_node_spec(const Value& body) {
  return read_body<model::NodeSpec>(body, "NodeSpec");
}

void write_node_spec(Json& json, const model::NodeSpec& spec) { write_value(json, spec); }

model::ClusterSpec read_cluster_spec(const Fields& from) {
  const model::ClusterSpec usual;
  model::ClusterSpec spec;
  read_fields(from, spec);
  zero_means(usual.annotations.name, spec.annotations.name);
  if (spec.annotations.name != usual.annotations.name)
    from.issues().add(plain_error(Code::invalid_argument, "swarm spec must be named \"default\""));
  zero_means(usual.raft.snapshot_interval, spec.raft.snapshot_interval);
  zero_means(usual.raft.log_entries_for_slow_followers, spec.raft.log_entries_for_slow_followers);
  zero_means(usual.raft.election_tick, spec.raft.election_tick);
  zero_means(usual.raft.heartbeat_tick, spec.raft.heartbeat_tick);
  zero_means(usual.heartbeat_period, spec.heartbeat_period);
  zero_means(usual.ca.node_cert_expiry, spec.ca.node_cert_expiry);
  return spec;
}

void write_cluster_spec(Json& json, const model::ClusterSpec& spec) { write_value(json, spec); }

Result<model::Availability> read_availability(const std::string& word) {
  if (word.empty()) return model::Availability::active;
  if (const auto availability = model::parse_availability(word)) return *availability;
  return plain_error(Code::invalid_argument, "invalid Availability: \"" + word + "\"");
}

}  // namespace swarm::docker
