// Specs other than the container's.
#include "codec/specs.hpp"

namespace swarm::codec {

void put(const model::Meta& from, swarmpy::Meta* to) {
  to->set_version(from.version);
  to->set_created_at(from.created_at.ns);
  to->set_updated_at(from.updated_at.ns);
}
void get(const swarmpy::Meta& from, model::Meta& to, Reading&) {
  to = {from.version(), WallTime{from.created_at()}, WallTime{from.updated_at()}};
}

void put(const model::Annotations& from, swarmpy::Annotations* to) {
  to->set_name(from.name);
  put_labels(from.labels, to->mutable_labels());
}
void get(const swarmpy::Annotations& from, model::Annotations& to, Reading&) {
  to = {from.name(), get_labels(from.labels())};
}

void put(const model::Driver& from, swarmpy::Driver* to) {
  to->set_name(from.name);
  put_labels(from.options, to->mutable_options());
}
void get(const swarmpy::Driver& from, model::Driver& to, Reading&) {
  to = {from.name(), get_labels(from.options())};
}

void put(const model::Resources& from, swarmpy::Resources* to) {
  to->set_nano_cpus(from.nano_cpus);
  to->set_memory_bytes(from.memory_bytes);
  to->set_pids(from.pids);
  for (const auto& resource : from.generic_resources) {
    auto* out = to->add_generic_resources();
    out->set_kind(resource.kind);
    out->set_name(resource.name);
    out->set_value(resource.value);
  }
}
void get(const swarmpy::Resources& from, model::Resources& to, Reading&) {
  to.nano_cpus = from.nano_cpus();
  to.memory_bytes = from.memory_bytes();
  to.pids = from.pids();
  for (const auto& resource : from.generic_resources())
    to.generic_resources.push_back({resource.kind(), resource.name(), resource.value()});
}

void put(const model::Platform& from, swarmpy::Platform* to) {
  to->set_architecture(from.architecture);
  to->set_os(from.os);
}
void get(const swarmpy::Platform& from, model::Platform& to, Reading&) {
  to = {from.architecture(), from.os()};
}

namespace {

void put(const model::RestartPolicy& from, swarmpy::RestartPolicy* to) {
  to->set_condition(static_cast<std::uint32_t>(from.condition));
  if (from.delay) to->set_delay(from.delay->ns);
  to->set_max_attempts(from.max_attempts);
  if (from.window) to->set_window(from.window->ns);
}
void get(const swarmpy::RestartPolicy& from, model::RestartPolicy& to, Reading& reading) {
  to.condition = reading.enumerated(from.condition(), model::RestartCondition::any, "restart condition");
  if (from.has_delay()) to.delay = Duration{from.delay()};
  to.max_attempts = from.max_attempts();
  if (from.has_window()) to.window = Duration{from.window()};
}

void put(const model::Placement& from, swarmpy::Placement* to) {
  put_strings(from.constraints, to->mutable_constraints());
  put_strings(from.spread_preferences, to->mutable_spread_preferences());
  to->set_max_replicas(from.max_replicas);
  for (const auto& platform : from.platforms) codec::put(platform, to->add_platforms());
}
void get(const swarmpy::Placement& from, model::Placement& to, Reading& reading) {
  to.constraints = get_strings(from.constraints());
  to.spread_preferences = get_strings(from.spread_preferences());
  to.max_replicas = from.max_replicas();
  for (const auto& platform : from.platforms()) codec::get(platform, to.platforms.emplace_back(), reading);
}

template <class Repeated>
void put_networks(const std::vector<model::NetworkAttachment>& from, Repeated* to) {
  for (const auto& network : from) {
    auto* out = to->Add();
    out->set_target(network.target);
    put_strings(network.aliases, out->mutable_aliases());
    put_labels(network.driver_opts, out->mutable_driver_opts());
  }
}
template <class Repeated>
std::vector<model::NetworkAttachment> get_networks(const Repeated& from) {
  std::vector<model::NetworkAttachment> out;
  for (const auto& network : from)
    out.push_back({network.target(), get_strings(network.aliases()), get_labels(network.driver_opts())});
  return out;
}

void put(const model::ResourceRequirements& from, swarmpy::ResourceRequirements* to) {
  if (from.limits) codec::put(*from.limits, to->mutable_limits());
  if (from.reservations) codec::put(*from.reservations, to->mutable_reservations());
}
void get(const swarmpy::ResourceRequirements& from, model::ResourceRequirements& to, Reading& reading) {
  if (from.has_limits()) codec::get(from.limits(), to.limits.emplace(), reading);
  if (from.has_reservations()) codec::get(from.reservations(), to.reservations.emplace(), reading);
}

void put(const model::UpdateConfig& from, swarmpy::UpdateConfig* to) {
  to->set_parallelism(from.parallelism);
  to->set_delay(from.delay.ns);
  to->set_failure_action(static_cast<std::uint32_t>(from.failure_action));
  if (from.monitor) to->set_monitor(from.monitor->ns);
  to->set_max_failure_ratio(from.max_failure_ratio);
  to->set_order(static_cast<std::uint32_t>(from.order));
}
void get(const swarmpy::UpdateConfig& from, model::UpdateConfig& to, Reading& reading) {
  to.parallelism = from.parallelism();
  to.delay = Duration{from.delay()};
  to.failure_action =
      reading.enumerated(from.failure_action(), model::FailureAction::rollback, "failure action");
  if (from.has_monitor()) to.monitor = Duration{from.monitor()};
  to.max_failure_ratio = from.max_failure_ratio();
  to.order = reading.enumerated(from.order(), model::UpdateOrder::start_first, "update order");
}

}  // namespace

void put(const model::TaskSpec& from, swarmpy::TaskSpec* to) {
  SWARM_PUT_OPT(from.container, to, container);
  SWARM_PUT_OPT(from.resources, to, resources);
  SWARM_PUT_OPT(from.restart, to, restart);
  SWARM_PUT_OPT(from.placement, to, placement);
  put_networks(from.networks, to->mutable_networks());
  SWARM_PUT_OPT(from.log_driver, to, log_driver);
  to->set_force_update(from.force_update);
  to->set_runtime(from.runtime);
}
void get(const swarmpy::TaskSpec& from, model::TaskSpec& to, Reading& reading) {
  SWARM_GET_OPT(from, to.container, container, reading);
  SWARM_GET_OPT(from, to.resources, resources, reading);
  SWARM_GET_OPT(from, to.restart, restart, reading);
  SWARM_GET_OPT(from, to.placement, placement, reading);
  to.networks = get_networks(from.networks());
  SWARM_GET_OPT(from, to.log_driver, log_driver, reading);
  to.force_update = from.force_update();
  to.runtime = from.runtime();
}

void put(const model::PortConfig& from, swarmpy::PortConfig* to) {
  to->set_name(from.name);
  to->set_protocol(static_cast<std::uint32_t>(from.protocol));
  to->set_target_port(from.target_port);
  to->set_published_port(from.published_port);
  to->set_publish_mode(static_cast<std::uint32_t>(from.publish_mode));
}
void get(const swarmpy::PortConfig& from, model::PortConfig& to, Reading& reading) {
  to.name = from.name();
  to.protocol = reading.enumerated(from.protocol(), model::PortProtocol::sctp, "port protocol");
  to.target_port = from.target_port();
  to.published_port = from.published_port();
  to.publish_mode = reading.enumerated(from.publish_mode(), model::PublishMode::host, "publish mode");
}

void put(const model::EndpointSpec& from, swarmpy::EndpointSpec* to) {
  to->set_mode(static_cast<std::uint32_t>(from.mode));
  put_all(from.ports, to->mutable_ports());
}
void get(const swarmpy::EndpointSpec& from, model::EndpointSpec& to, Reading& reading) {
  to.mode = reading.enumerated(from.mode(), model::EndpointMode::dnsrr, "endpoint mode");
  get_all(from.ports(), to.ports, reading);
}

void put(const model::ServiceSpec& from, swarmpy::ServiceSpec* to) {
  put(from.annotations, to->mutable_annotations());
  put(from.task, to->mutable_task());
  to->set_global(from.is_global());
  to->set_replicas(from.replicas());
  SWARM_PUT_OPT(from.update, to, update);
  SWARM_PUT_OPT(from.rollback, to, rollback);
  put_networks(from.networks, to->mutable_networks());
  SWARM_PUT_OPT(from.endpoint, to, endpoint);
}
void get(const swarmpy::ServiceSpec& from, model::ServiceSpec& to, Reading& reading) {
  get(from.annotations(), to.annotations, reading);
  get(from.task(), to.task, reading);
  if (from.global()) {
    to.mode = model::GlobalMode{};
  } else {
    to.mode = model::ReplicatedMode{from.replicas()};
  }
  SWARM_GET_OPT(from, to.update, update, reading);
  SWARM_GET_OPT(from, to.rollback, rollback, reading);
  to.networks = get_networks(from.networks());
  SWARM_GET_OPT(from, to.endpoint, endpoint, reading);
}

}  // namespace swarm::codec
