// JSON of the swarm's settings and of a node's spec, both ways.
#include "docker/specs.hpp"

namespace swarm::docker {
namespace {

std::uint64_t or_default(std::uint64_t given, std::uint64_t otherwise) {
  return given == 0 ? otherwise : given;
}

void read_raft(const Fields& from, model::RaftSettings& raft) {
  raft.snapshot_interval = or_default(from.count("SnapshotInterval"), raft.snapshot_interval);
  raft.keep_old_snapshots = from.count("KeepOldSnapshots", raft.keep_old_snapshots);
  raft.log_entries_for_slow_followers =
      or_default(from.count("LogEntriesForSlowFollowers"), raft.log_entries_for_slow_followers);
  if (const std::uint32_t ticks = from.count32("ElectionTick"); ticks != 0) raft.election_tick = ticks;
  if (const std::uint32_t ticks = from.count32("HeartbeatTick"); ticks != 0) raft.heartbeat_tick = ticks;
}

void read_ca(const Fields& from, model::CaSettings& ca) {
  if (const Duration expiry = from.duration("NodeCertExpiry"); expiry.ns != 0) ca.node_cert_expiry = expiry;
  ca.force_rotate = from.count("ForceRotate");
  for (const Fields& other : from.objects("ExternalCAs"))
    ca.external_cas.push_back(
        {other.text("Protocol"), other.text("URL"), other.pairs("Options"), other.text("CACert")});
}

void write_ca(Json& json, const model::CaSettings& ca) {
  json.field("NodeCertExpiry", ca.node_cert_expiry);
  if (!ca.external_cas.empty())
    json.array("ExternalCAs", [&] {
      for (const auto& other : ca.external_cas)
        json.object([&] {
          json.field("Protocol", other.protocol)
              .field("URL", other.url)
              .field_if("Options", other.options)
              .field("CACert", other.ca_cert);
        });
    });
  json.field_if("ForceRotate", ca.force_rotate);
}

}  // namespace

model::ClusterSpec read_cluster_spec(const Fields& from) {
  model::ClusterSpec spec;
  spec.annotations = {from.text("Name"), from.pairs("Labels")};
  if (spec.annotations.name.empty()) spec.annotations.name = "default";
  if (spec.annotations.name != "default")
    from.issues().add(plain_error(Code::invalid_argument, "swarm spec must be named \"default\""));
  spec.task_history_retention_limit =
      from.object("Orchestration").integer("TaskHistoryRetentionLimit", spec.task_history_retention_limit);
  read_raft(from.object("Raft"), spec.raft);
  if (const Duration period = from.object("Dispatcher").duration("HeartbeatPeriod"); period.ns != 0)
    spec.heartbeat_period = period;
  read_ca(from.object("CAConfig"), spec.ca);
  spec.auto_lock_managers = from.object("EncryptionConfig").flag("AutoLockManagers");
  spec.log_driver = read_driver(from.object("TaskDefaults").object("LogDriver"));
  return spec;
}

void write_cluster_spec(Json& json, const model::ClusterSpec& spec) {
  json.object([&] {
    write_annotations(json, spec.annotations);
    json.object("Orchestration",
                [&] { json.field("TaskHistoryRetentionLimit", spec.task_history_retention_limit); });
    json.object("Raft", [&] {
      json.field("SnapshotInterval", spec.raft.snapshot_interval)
          .field("KeepOldSnapshots", spec.raft.keep_old_snapshots)
          .field("LogEntriesForSlowFollowers", spec.raft.log_entries_for_slow_followers)
          .field("ElectionTick", spec.raft.election_tick)
          .field("HeartbeatTick", spec.raft.heartbeat_tick);
    });
    json.object("Dispatcher", [&] { json.field("HeartbeatPeriod", spec.heartbeat_period); });
    json.object("CAConfig", [&] { write_ca(json, spec.ca); });
    json.object("TaskDefaults", [&] {
      if (spec.log_driver) write_driver(json, "LogDriver", *spec.log_driver);
    });
    json.object("EncryptionConfig", [&] { json.field("AutoLockManagers", spec.auto_lock_managers); });
  });
}

Result<model::Availability> read_availability(const std::string& word, bool may_be_empty) {
  if (word.empty() && may_be_empty) return model::Availability::active;
  if (const auto availability = model::parse_availability(word)) return *availability;
  return plain_error(Code::invalid_argument, "invalid Availability: \"" + word + "\"");
}

Result<model::NodeSpec> read_node_spec(const Value& body) {
  Issues issues;
  const Fields from(&body, issues, "NodeSpec");
  model::NodeSpec spec;
  spec.annotations = {from.text("Name"), from.pairs("Labels")};
  const std::string role = from.text("Role"), availability = from.text("Availability");
  if (issues.any()) return issues.first();
  const auto parsed_role = model::parse_node_role(role);
  if (!parsed_role) return plain_error(Code::invalid_argument, "invalid Role: \"" + role + "\"");
  const auto parsed_availability = read_availability(availability, false);
  if (!parsed_availability) return parsed_availability.error();
  spec.desired_role = *parsed_role;
  spec.availability = *parsed_availability;
  return spec;
}

void write_node_spec(Json& json, const model::NodeSpec& spec) {
  json.object([&] {
    write_annotations(json, spec.annotations);
    json.field("Role", model::to_string(spec.desired_role))
        .field("Availability", model::to_string(spec.availability));
  });
}

}  // namespace swarm::docker
