// For tests: a value of every type that travels or lies on disk, with every field set to something of its
// own, so that a field that the codec forgets, or mixes up with another, is seen.
#pragma once

#include "codec/codec.hpp"

namespace swarm::codec::full {

// Every number, name and id differs from the one before it.
class Filler {
 public:
  std::uint64_t number() { return next_ += 7; }
  std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
  std::int64_t signed_number() { return -static_cast<std::int64_t>(number()); }
  // Not UTF-8 on purpose: what users and processes write need not be.
  std::string text() { return "text\xff " + std::to_string(number()); }
  std::vector<std::string> texts() { return {text(), "", text()}; }
  model::Labels labels() { return {{text(), text()}, {text(), ""}}; }
  Duration duration() { return Duration{signed_number()}; }
  WallTime time() { return WallTime{signed_number()}; }
  template <class IdType>
  IdType id() {
    const auto high = static_cast<Uint128>(number()) << 64;
    return IdType(high | number());
  }

  model::Driver driver() { return {text(), labels()}; }
  model::Meta meta() { return {number(), time(), time()}; }
  model::Annotations annotations() { return {text(), labels()}; }
  model::Resources resources() {
    return {signed_number(),
            signed_number(),
            signed_number(),
            {{text(), text(), 0}, {text(), "", signed_number()}}};
  }
  model::Mount mount();
  model::FileTarget file() { return {text(), text(), text(), small()}; }
  model::ContainerSpec container_spec();
  model::TaskSpec task_spec();
  model::UpdateConfig update_config();
  model::PortConfig port();
  model::ServiceSpec service_spec();
  model::TaskTemplate task_template();
  model::Service service();
  model::TaskStatus task_status();
  model::Task task();
  model::NodeDescription description();
  model::Node node();
  model::Network network();
  model::Cluster cluster();
  model::KeyValue key_value() { return {text(), meta(), text()}; }
  model::Transaction transaction();

  Address address();
  Error error() { return {Code::aborted, text(), text(), true, -404}; }
  wire::ManagerPeer peer() { return {id<NodeId>(), number(), address()}; }
  std::vector<wire::Message> messages();  // one of each kind, in the order of the variant

  raft::Entry entry() { return {number(), number(), raft::EntryType::conf_change_v2, text()}; }
  raft::ConfState conf_state() { return {{number(), number()}, {number()}, {number()}, {number()}, true}; }
  raft::Snapshot snapshot() { return {number(), number(), conf_state(), text()}; }
  raft::Message raft_message();

 private:
  std::uint64_t next_ = 0;
};

inline model::Mount Filler::mount() {
  model::Mount mount;
  mount.type = text();
  mount.source = text();
  mount.target = text();
  mount.read_only = true;
  mount.consistency = text();
  mount.bind_options = model::BindOptions{text(), true, true, true, true};
  mount.volume_options = model::VolumeOptions{true, labels(), text(), driver()};
  mount.tmpfs_options = model::TmpfsOptions{signed_number(), small(), {texts(), {}, texts()}};
  mount.image_subpath = text();
  return mount;
}

inline model::ContainerSpec Filler::container_spec() {
  model::ContainerSpec spec;
  spec.image = text();
  spec.labels = labels();
  spec.command = texts();
  spec.args = texts();
  spec.hostname = text();
  spec.env = texts();
  spec.dir = text();
  spec.user = text();
  spec.groups = texts();
  spec.privileges = model::Privileges{model::CredentialSpec{text(), text(), text()},
                                      model::SelinuxContext{true, text(), text(), text(), text()},
                                      model::SeccompOptions{text(), text()}, text(), true};
  spec.init = false;
  spec.stop_signal = text();
  spec.tty = spec.open_stdin = spec.read_only = true;
  spec.stop_grace_period = duration();
  spec.healthcheck =
      model::Healthcheck{texts(), duration(), duration(), duration(), duration(), signed_number()};
  spec.hosts = texts();
  spec.dns_config = model::DnsConfig{texts(), texts(), texts()};
  spec.secrets = {{file(), text(), text()}, {std::nullopt, text(), text()}};
  spec.configs = {{file(), true, text(), text()}};
  spec.isolation = text();
  spec.sysctls = labels();
  spec.capability_add = texts();
  spec.capability_drop = texts();
  spec.ulimits = {{text(), signed_number(), signed_number()}};
  spec.oom_score_adj = signed_number();
  spec.mounts = {mount(), mount()};
  return spec;
}

inline model::TaskSpec Filler::task_spec() {
  model::TaskSpec spec;
  spec.container = container_spec();
  spec.resources = model::ResourceRequirements{resources(), resources()};
  spec.restart = model::RestartPolicy{model::RestartCondition::on_failure, duration(), number(), duration()};
  spec.placement = model::Placement{texts(), texts(), number(), {{text(), text()}}};
  spec.networks = {{text(), texts(), labels()}};
  spec.log_driver = driver();
  spec.force_update = number();
  spec.runtime = text();
  return spec;
}

inline model::UpdateConfig Filler::update_config() {
  return {number(),   duration(), model::FailureAction::rollback,
          duration(), 0.25,       model::UpdateOrder::start_first};
}

inline model::PortConfig Filler::port() {
  return {text(), model::PortProtocol::sctp, small(), small(), model::PublishMode::host};
}

inline model::ServiceSpec Filler::service_spec() {
  model::ServiceSpec spec;
  spec.annotations = annotations();
  spec.task = task_spec();
  spec.mode = model::ReplicatedMode{number()};
  spec.update = update_config();
  spec.rollback = update_config();
  spec.networks = {{text(), texts(), labels()}};
  spec.endpoint = model::EndpointSpec{model::EndpointMode::dnsrr, {port(), port()}};
  return spec;
}

inline model::TaskTemplate Filler::task_template() {
  return {task_spec(), annotations(), model::EndpointSpec{model::EndpointMode::dnsrr, {port()}}};
}

inline model::Service Filler::service() {
  model::Service service;
  service.id = id<ServiceId>();
  service.meta = meta();
  service.spec = service_spec();
  service.spec_version = number();
  service.previous_spec = service_spec();
  service.previous_spec->mode = model::GlobalMode{};
  service.previous_spec_version = number();
  service.update_status = model::UpdateStatus{model::UpdateState::rollback_completed, time(), time(), text()};
  service.ports = {port(), port()};
  return service;
}

inline model::TaskStatus Filler::task_status() {
  return {time(),  model::TaskState::failed, text(), text(), {text(), signed_number(), signed_number()},
          {port()}};
}

// Without its template, as tasks lie on disk.
inline model::Task Filler::task() {
  model::Task task;
  task.id = id<TaskId>();
  task.meta = meta();
  task.service_id = id<ServiceId>();
  task.slot = number();
  task.node_id = id<NodeId>();
  task.spec_version = number();
  task.desired_state = model::TaskState::remove;
  task.status = task_status();
  task.applied_at = time();
  task.restarts = std::make_shared<model::RestartRecord>(model::RestartRecord{
      duration(), number(), duration(), {{duration(), number()}, {duration(), number()}}});
  return task;
}

inline model::NodeDescription Filler::description() {
  return {text(), {text(), text()}, resources(), text(), labels(), {{text(), text()}, {text(), text()}}, 7};
}

inline model::Node Filler::node() {
  model::Node node;
  node.id = id<NodeId>();
  node.meta = meta();
  node.spec = {annotations(), model::NodeRole::manager, model::Availability::drain};
  node.description = description();
  node.status = {model::NodeState::disconnected, text(), text()};
  node.role = model::NodeRole::manager;
  node.manager = model::ManagerStatus{number(), text()};
  return node;
}

inline model::Network Filler::network() {
  return {id<NetworkId>(), meta(), annotations(), text(), true, true, true, true, {{text(), text(), text()}},
          labels()};
}

inline model::Cluster Filler::cluster() {
  model::Cluster cluster;
  cluster.id = id<ClusterId>();
  cluster.meta = meta();
  cluster.spec.annotations = annotations();
  cluster.spec.task_history_retention_limit = signed_number();
  cluster.spec.raft = {number(), number(), number(), small(), small()};
  cluster.spec.heartbeat_period = duration();
  cluster.spec.ca = {duration(), number(), {{text(), text(), labels(), text()}}};
  cluster.spec.auto_lock_managers = true;
  cluster.spec.log_driver = driver();
  cluster.root_ca = {text(), text(), text(), text()};
  cluster.default_addr_pool = texts();
  cluster.subnet_size = small();
  cluster.data_path_port = small();
  cluster.removed_nodes = {id<NodeId>(), id<NodeId>()};
  cluster.feature_level = 9;
  return cluster;
}

inline model::Transaction Filler::transaction() {
  model::Transaction transaction;
  transaction.request = number();
  transaction.time = time();
  transaction.actions.push_back(model::Put{cluster()});
  transaction.actions.push_back(model::Put{node()});
  transaction.actions.push_back(model::Put{service()});
  transaction.actions.push_back(model::Put{task()});
  transaction.actions.push_back(model::Put{network()});
  transaction.actions.push_back(model::Remove::of<model::Network>(id<NetworkId>(), number()));
  transaction.actions.push_back(model::TaskStep{id<TaskId>(), number(), model::TaskState::shutdown,
                                                id<NodeId>(), task_status(), id<NodeId>()});
  transaction.actions.push_back(model::TaskStep{id<TaskId>(), 0, {}, NodeId(), {}, {}});
  model::NodeStep step;
  step.id = id<NodeId>();
  step.status = model::NodeStatus{model::NodeState::down, text(), text()};
  step.description = description();
  step.role = model::NodeRole::worker;
  step.manager = model::ManagerStatus{number(), text()};
  transaction.actions.push_back(step);
  model::NodeStep demotion;
  demotion.id = id<NodeId>();
  demotion.manager.emplace();  // takes the manager's part away: not the same as saying nothing
  transaction.actions.push_back(demotion);
  transaction.actions.push_back(model::WriteKey{text(), text(), number(), text()});
  transaction.actions.push_back(model::WriteKey{text(), "", 0, ""});  // not the same as saying nothing
  transaction.actions.push_back(model::WriteKey{text(), {}, {}, {}});
  return transaction;
}

inline Address Filler::address() {
  Address address;
  for (auto& byte : address.ip) byte = static_cast<std::uint8_t>(number() + 128);
  address.port = static_cast<std::uint16_t>(number());
  return address;
}

inline std::vector<wire::Message> Filler::messages() {
  const auto managers = [this] { return std::vector{peer(), peer()}; };
  model::Task first = task(), second = task(), third = task();
  first.templ = std::make_shared<model::TaskTemplate>(task_template());
  second.service_id = first.service_id;  // the same version of the same service
  second.spec_version = first.spec_version;
  second.templ = first.templ;
  third.templ = std::make_shared<model::TaskTemplate>(task_template());
  const std::vector<std::pair<std::string, std::string>> headers{{text(), text()}, {text(), ""}};
  return {
      wire::JoinRequest{number(), text(), description(), model::Availability::pause, text()},
      wire::JoinReply{number(), error(), address(), id<ClusterId>(), id<NodeId>(), model::NodeRole::manager,
                      text(), managers()},
      wire::RaftJoinRequest{number(), id<NodeId>(), address()},
      wire::RaftJoinReply{number(), error(), address(), number(), managers()},
      wire::LeaveRequest{number(), id<NodeId>()},
      wire::LeaveReply{number(), error(), address()},
      wire::Register{id<NodeId>(), description()},
      wire::Session{number(), duration(), model::NodeRole::manager, managers(), number(), true},
      wire::SessionRefused{number(), text(), address(), true},
      wire::Heartbeat{number()},
      wire::HeartbeatReply{number(), duration()},
      wire::Assignments{
          number(), true, number(), number(), number(), {{first}, {second}, {third}}, {id<TaskId>()}},
      wire::AssignmentsAck{number(), number(), true},
      wire::TaskReport{number(), number(), {{id<TaskId>(), task_status()}, {id<TaskId>(), task_status()}}},
      wire::TaskReportAck{number(), number()},
      wire::MeshUpdate{number(),
                       true,
                       number(),
                       number(),
                       {{id<ServiceId>(), {{80, 443}, {8080, 81}}}},
                       {{id<TaskId>(), id<ServiceId>(), id<NodeId>(), address()}},
                       {id<ServiceId>()},
                       {id<TaskId>(), id<TaskId>()}},
      wire::MeshAck{number(), number(), true, {text(), text()}},
      wire::LogSubscribe{number(), {id<TaskId>()}, {false, false, true, signed_number(), time(), time()}},
      wire::LogUnsubscribe{number()},
      wire::LogChunk{number(),
                     {{id<TaskId>(), true, time(), text()}},
                     {id<TaskId>(), id<TaskId>()},
                     {{id<TaskId>(), text()}},
                     number()},
      wire::ApiForward{number(), text(), text(), headers, text()},
      wire::ApiReplyHead{number(), small(), headers, true},
      wire::ApiReplyBody{number(), text(), true, number(), true},
      wire::ApiCancel{number()},
      wire::SnapshotChunk{number(), small(), true, text(), text()},
  };
}

inline raft::Message Filler::raft_message() {
  raft::Message message;
  message.type = raft::MessageType::app;
  message.to = number();
  message.from = number();
  message.term = number();
  message.log_term = number();
  message.index = number();
  message.entries = {entry(), entry()};
  message.entries[0].index = message.index + 1;
  message.entries[1].index = message.index + 2;
  message.commit = number();
  message.vote = number();
  message.snapshot = std::make_shared<raft::Snapshot>(snapshot());
  message.reject = true;
  message.reject_hint = number();
  message.context = text();
  return message;
}

}  // namespace swarm::codec::full
