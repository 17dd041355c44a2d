// Objects as they lie on disk.
#include "codec/objects.hpp"

namespace swarm::codec {

model::TaskState task_state(std::uint32_t value, Reading& reading) {
  using enum model::TaskState;
  for (const auto state : {new_, pending, assigned, accepted, preparing, ready, starting, running, complete,
                           shutdown, failed, rejected, remove, orphaned})
    if (value == static_cast<std::uint32_t>(state)) return state;
  reading.fail("task state " + std::to_string(value) + " is not known");
  return new_;
}

void put(const model::TaskStatus& from, swarmpy::TaskStatus* to) {
  to->set_timestamp(from.timestamp.ns);
  to->set_state(static_cast<std::uint32_t>(from.state));
  to->set_message(from.message);
  to->set_err(from.err);
  put_all(from.port_status, to->mutable_port_status());
  if (from.container == model::ContainerStatus{}) return;
  to->mutable_container()->set_container_id(from.container.container_id);
  to->mutable_container()->set_pid(from.container.pid);
  to->mutable_container()->set_exit_code(from.container.exit_code);
}
void get(const swarmpy::TaskStatus& from, model::TaskStatus& to, Reading& reading) {
  to.timestamp = WallTime{from.timestamp()};
  to.state = task_state(from.state(), reading);
  to.message = from.message();
  to.err = from.err();
  to.container = {from.container().container_id(), from.container().pid(), from.container().exit_code()};
  get_all(from.port_status(), to.port_status, reading);
}

void put(const model::RestartRecord& from, swarmpy::RestartRecord* to) {
  to->set_delay(from.delay.ns);
  to->set_attempts(from.attempts);
  to->set_ran(from.ran.ns);
  for (const auto& mark : from.marks) {
    auto* out = to->add_marks();
    out->set_at(mark.at.ns);
    out->set_count(mark.count);
  }
}
std::shared_ptr<const model::RestartRecord> restarts_of(const swarmpy::RestartRecord& from) {
  auto out = std::make_shared<model::RestartRecord>();
  out->delay = Duration::nanos(from.delay());
  out->attempts = from.attempts();
  out->ran = Duration::nanos(from.ran());
  for (const auto& mark : from.marks()) out->marks.push_back({Duration::nanos(mark.at()), mark.count()});
  return out;
}

void put(const model::Task& from, swarmpy::Task* to) {
  to->set_id(bytes_of(from.id));
  put(from.meta, to->mutable_meta());
  to->set_service_id(bytes_of(from.service_id));
  to->set_slot(from.slot);
  to->set_node_id(bytes_of(from.node_id));
  to->set_spec_version(from.spec_version);
  to->set_desired_state(static_cast<std::uint32_t>(from.desired_state));
  put(from.status, to->mutable_status());
  to->set_applied_at(from.applied_at.ns);
  if (from.restarts) put(*from.restarts, to->mutable_restarts());
}
void get(const swarmpy::Task& from, model::Task& to, Reading& reading) {
  to.id = reading.id<TaskId>(from.id(), "task id");
  get(from.meta(), to.meta, reading);
  to.service_id = reading.id<ServiceId>(from.service_id(), "service id");
  to.slot = from.slot();
  to.node_id = reading.id<NodeId>(from.node_id(), "node id");
  to.spec_version = from.spec_version();
  to.desired_state = task_state(from.desired_state(), reading);
  get(from.status(), to.status, reading);
  to.applied_at = WallTime{from.applied_at()};
  if (from.has_restarts()) to.restarts = restarts_of(from.restarts());
}

void put(const model::TaskTemplateRecord& from, swarmpy::TaskTemplate* to) {
  to->set_service_id(bytes_of(from.service_id));
  to->set_spec_version(from.spec_version);
  put(from.templ.spec, to->mutable_spec());
  put(from.templ.service, to->mutable_service());
  SWARM_PUT_OPT(from.templ.endpoint, to, endpoint);
}
void get(const swarmpy::TaskTemplate& from, model::TaskTemplateRecord& to, Reading& reading) {
  to.service_id = reading.id<ServiceId>(from.service_id(), "service id");
  to.spec_version = from.spec_version();
  get(from.spec(), to.templ.spec, reading);
  get(from.service(), to.templ.service, reading);
  SWARM_GET_OPT(from, to.templ.endpoint, endpoint, reading);
}

void put(const model::Service& from, swarmpy::Service* to) {
  to->set_id(bytes_of(from.id));
  put(from.meta, to->mutable_meta());
  put(from.spec, to->mutable_spec());
  to->set_spec_version(from.spec_version);
  SWARM_PUT_OPT(from.previous_spec, to, previous_spec);
  to->set_previous_spec_version(from.previous_spec_version);
  if (from.update_status) {
    auto* status = to->mutable_update_status();
    status->set_state(static_cast<std::uint32_t>(from.update_status->state));
    if (from.update_status->started_at) status->set_started_at(from.update_status->started_at->ns);
    if (from.update_status->completed_at) status->set_completed_at(from.update_status->completed_at->ns);
    status->set_message(from.update_status->message);
  }
  put_all(from.ports, to->mutable_ports());
}
void get(const swarmpy::Service& from, model::Service& to, Reading& reading) {
  to.id = reading.id<ServiceId>(from.id(), "service id");
  get(from.meta(), to.meta, reading);
  get(from.spec(), to.spec, reading);
  to.spec_version = from.spec_version();
  SWARM_GET_OPT(from, to.previous_spec, previous_spec, reading);
  to.previous_spec_version = from.previous_spec_version();
  if (from.has_update_status()) {
    auto& status = to.update_status.emplace();
    const auto& in = from.update_status();
    status.state = reading.enumerated(in.state(), model::UpdateState::rollback_completed, "update state");
    if (in.has_started_at()) status.started_at = WallTime{in.started_at()};
    if (in.has_completed_at()) status.completed_at = WallTime{in.completed_at()};
    status.message = in.message();
  }
  get_all(from.ports(), to.ports, reading);
}

void put(const model::NodeDescription& from, swarmpy::NodeDescription* to) {
  to->set_hostname(from.hostname);
  put(from.platform, to->mutable_platform());
  put(from.resources, to->mutable_resources());
  to->set_engine_version(from.engine_version);
  put_labels(from.engine_labels, to->mutable_engine_labels());
  for (const auto& plugin : from.plugins) {
    auto* out = to->add_plugins();
    out->set_type(plugin.type);
    out->set_name(plugin.name);
  }
  to->set_feature_level(written_level(from.feature_level));
}
void get(const swarmpy::NodeDescription& from, model::NodeDescription& to, Reading& reading) {
  to.hostname = from.hostname();
  get(from.platform(), to.platform, reading);
  get(from.resources(), to.resources, reading);
  to.engine_version = from.engine_version();
  to.engine_labels = get_labels(from.engine_labels());
  for (const auto& plugin : from.plugins()) to.plugins.push_back({plugin.type(), plugin.name()});
  to.feature_level = read_level(from.feature_level());
}

void put(const model::NodeStatus& from, swarmpy::NodeStatus* to) {
  to->set_state(static_cast<std::uint32_t>(from.state));
  to->set_message(from.message);
  to->set_addr(from.addr);
}
void get(const swarmpy::NodeStatus& from, model::NodeStatus& to, Reading& reading) {
  to.state = reading.enumerated(from.state(), model::NodeState::disconnected, "node state");
  to.message = from.message();
  to.addr = from.addr();
}

void put(const model::ManagerStatus& from, swarmpy::ManagerStatus* to) {
  to->set_raft_id(from.raft_id);
  to->set_addr(from.addr);
}
void get(const swarmpy::ManagerStatus& from, model::ManagerStatus& to, Reading&) {
  to = {from.raft_id(), from.addr()};
}

void put(const model::Node& from, swarmpy::Node* to) {
  to->set_id(bytes_of(from.id));
  put(from.meta, to->mutable_meta());
  put(from.spec.annotations, to->mutable_spec()->mutable_annotations());
  to->mutable_spec()->set_desired_role(static_cast<std::uint32_t>(from.spec.desired_role));
  to->mutable_spec()->set_availability(static_cast<std::uint32_t>(from.spec.availability));
  put(from.description, to->mutable_description());
  put(from.status, to->mutable_status());
  to->set_role(static_cast<std::uint32_t>(from.role));
  SWARM_PUT_OPT(from.manager, to, manager);
}
void get(const swarmpy::Node& from, model::Node& to, Reading& reading) {
  to.id = reading.id<NodeId>(from.id(), "node id");
  get(from.meta(), to.meta, reading);
  get(from.spec().annotations(), to.spec.annotations, reading);
  to.spec.desired_role = reading.enumerated(from.spec().desired_role(), model::NodeRole::manager, "role");
  to.spec.availability =
      reading.enumerated(from.spec().availability(), model::Availability::drain, "availability");
  get(from.description(), to.description, reading);
  get(from.status(), to.status, reading);
  to.role = reading.enumerated(from.role(), model::NodeRole::manager, "role");
  SWARM_GET_OPT(from, to.manager, manager, reading);
}

void put(const model::Network& from, swarmpy::Network* to) {
  to->set_id(bytes_of(from.id));
  put(from.meta, to->mutable_meta());
  put(from.annotations, to->mutable_annotations());
  to->set_driver(from.driver);
  to->set_ingress(from.ingress);
  to->set_internal(from.internal);
  to->set_attachable(from.attachable);
  to->set_predefined(from.predefined);
  for (const auto& config : from.ipam) {
    auto* out = to->add_ipam();
    out->set_subnet(config.subnet);
    out->set_ip_range(config.ip_range);
    out->set_gateway(config.gateway);
  }
  put_labels(from.options, to->mutable_options());
}
void get(const swarmpy::Network& from, model::Network& to, Reading& reading) {
  to.id = reading.id<NetworkId>(from.id(), "network id");
  get(from.meta(), to.meta, reading);
  get(from.annotations(), to.annotations, reading);
  to.driver = from.driver();
  to.ingress = from.ingress();
  to.internal = from.internal();
  to.attachable = from.attachable();
  to.predefined = from.predefined();
  for (const auto& config : from.ipam())
    to.ipam.push_back({config.subnet(), config.ip_range(), config.gateway()});
  to.options = get_labels(from.options());
}

void put(const model::KeyValue& from, swarmpy::KeyValue* to) {
  to->set_key(from.key);
  put(from.meta, to->mutable_meta());
  to->set_value(from.value);
}
void get(const swarmpy::KeyValue& from, model::KeyValue& to, Reading& reading) {
  to.key = from.key();
  get(from.meta(), to.meta, reading);
  to.value = from.value();
}

void put(const model::Cluster& from, swarmpy::Cluster* to) {
  to->set_id(bytes_of(from.id));
  put(from.meta, to->mutable_meta());
  auto* spec = to->mutable_spec();
  put(from.spec.annotations, spec->mutable_annotations());
  spec->set_task_history_retention_limit(from.spec.task_history_retention_limit);
  auto* raft = spec->mutable_raft();
  raft->set_snapshot_interval(from.spec.raft.snapshot_interval);
  raft->set_keep_old_snapshots(from.spec.raft.keep_old_snapshots);
  raft->set_log_entries_for_slow_followers(from.spec.raft.log_entries_for_slow_followers);
  raft->set_election_tick(from.spec.raft.election_tick);
  raft->set_heartbeat_tick(from.spec.raft.heartbeat_tick);
  spec->set_heartbeat_period(from.spec.heartbeat_period.ns);
  auto* ca = spec->mutable_ca();
  ca->set_node_cert_expiry(from.spec.ca.node_cert_expiry.ns);
  ca->set_force_rotate(from.spec.ca.force_rotate);
  for (const auto& external : from.spec.ca.external_cas) {
    auto* out = ca->add_external_cas();
    out->set_protocol(external.protocol);
    out->set_url(external.url);
    put_labels(external.options, out->mutable_options());
    out->set_ca_cert(external.ca_cert);
  }
  spec->set_auto_lock_managers(from.spec.auto_lock_managers);
  SWARM_PUT_OPT(from.spec.log_driver, spec, log_driver);
  auto* root = to->mutable_root_ca();
  root->set_cert_pem(from.root_ca.cert_pem);
  root->set_key_pem(from.root_ca.key_pem);
  root->set_join_token_worker(from.root_ca.join_token_worker);
  root->set_join_token_manager(from.root_ca.join_token_manager);
  put_strings(from.default_addr_pool, to->mutable_default_addr_pool());
  to->set_subnet_size(from.subnet_size);
  to->set_data_path_port(from.data_path_port);
  for (const NodeId& id : from.removed_nodes) to->add_removed_nodes(bytes_of(id));
  to->set_feature_level(written_level(from.feature_level));
}
void get(const swarmpy::Cluster& from, model::Cluster& to, Reading& reading) {
  to.id = reading.id<ClusterId>(from.id(), "cluster id");
  get(from.meta(), to.meta, reading);
  const auto& spec = from.spec();
  get(spec.annotations(), to.spec.annotations, reading);
  to.spec.task_history_retention_limit = spec.task_history_retention_limit();
  to.spec.raft = {spec.raft().snapshot_interval(), spec.raft().keep_old_snapshots(),
                  spec.raft().log_entries_for_slow_followers(), spec.raft().election_tick(),
                  spec.raft().heartbeat_tick()};
  to.spec.heartbeat_period = Duration{spec.heartbeat_period()};
  to.spec.ca.node_cert_expiry = Duration{spec.ca().node_cert_expiry()};
  to.spec.ca.force_rotate = spec.ca().force_rotate();
  for (const auto& external : spec.ca().external_cas())
    to.spec.ca.external_cas.push_back(
        {external.protocol(), external.url(), get_labels(external.options()), external.ca_cert()});
  to.spec.auto_lock_managers = spec.auto_lock_managers();
  SWARM_GET_OPT(spec, to.spec.log_driver, log_driver, reading);
  const auto& root = from.root_ca();
  to.root_ca = {root.cert_pem(), root.key_pem(), root.join_token_worker(), root.join_token_manager()};
  to.default_addr_pool = get_strings(from.default_addr_pool());
  to.subnet_size = from.subnet_size();
  to.data_path_port = from.data_path_port();
  for (const auto& id : from.removed_nodes())
    to.removed_nodes.push_back(reading.id<NodeId>(id, "removed node"));
  to.feature_level = read_level(from.feature_level());
}

// ---- the public functions

model::FeatureLevel feature_level_of_cluster(std::string_view bytes) {
  Scratch<swarmpy::Cluster> message;
  return parse_into(*message, bytes) ? read_level(message->feature_level()) : model::kFirstLevel;
}

template <AnyKind T>
std::string encode(const T& object) {
  Scratch<typename MessageOf<T>::type> message;
  put(object, &*message);
  return serialized(*message);
}

template <AnyKind T>
Result<T> decode(std::string_view bytes) {
  using Message = typename MessageOf<T>::type;
  return decode_as<Message, T>(bytes, T::kWord, [](const Message& message, T& value, Reading& reading) {
    get(message, value, reading);
  });
}

// Makes both functions for every kind in this file: nowhere else are the messages known.
std::size_t instances() {
  std::size_t sum = 0;
  model::Kinds::each([&]<class T>() {
    std::string (*volatile encodes)(const T&) = &encode<T>;
    Result<T> (*volatile decodes)(std::string_view) = &decode<T>;
    sum += (encodes != nullptr) + (decodes != nullptr);
  });
  return sum;
}

}  // namespace swarm::codec
