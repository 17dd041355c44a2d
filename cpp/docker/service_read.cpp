// JSON to ServiceSpec and TaskSpec. Enums are Docker's words; a word that is none of them gets Docker's
// sentence.
#include "docker/specs.hpp"

namespace swarm::docker {
namespace {

model::Resources read_resources(const Fields& from) {
  model::Resources out;
  out.nano_cpus = from.integer("NanoCPUs");
  out.memory_bytes = from.integer("MemoryBytes");
  out.pids = from.integer("Pids");
  out.generic_resources = read_generic_resources(from, "GenericResources");
  return out;
}

std::optional<model::ResourceRequirements> read_requirements(const Fields& from) {
  if (!from.present()) return std::nullopt;
  model::ResourceRequirements out;
  if (const Fields limits = from.object("Limits"); limits.present()) out.limits = read_resources(limits);
  if (const Fields reserved = from.object("Reservations"); reserved.present())
    out.reservations = read_resources(reserved);
  return out;
}

model::RestartCondition read_condition(const Fields& from) {
  const std::string word = from.text("Condition");
  if (word == "none") return model::RestartCondition::none;
  if (word == "on-failure") return model::RestartCondition::on_failure;
  if (!word.empty() && word != "any")
    from.issues().add(plain_error(Code::invalid_argument, "invalid RestartCondition: \"" + word + "\""));
  return model::RestartCondition::any;
}

std::optional<model::RestartPolicy> read_restart(const Fields& from) {
  if (!from.present()) return std::nullopt;
  model::RestartPolicy out;
  out.condition = read_condition(from);
  out.delay = from.optional_duration("Delay");
  out.max_attempts = from.count("MaxAttempts");
  out.window = from.optional_duration("Window");
  return out;
}

std::optional<model::Placement> read_placement(const Fields& from) {
  if (!from.present()) return std::nullopt;
  model::Placement out;
  out.constraints = from.texts("Constraints");
  for (const Fields& preference : from.objects("Preferences"))
    if (const Fields spread = preference.object("Spread"); spread.present())
      out.spread_preferences.push_back(spread.text("SpreadDescriptor"));
  out.max_replicas = from.count("MaxReplicas");
  for (const Fields& platform : from.objects("Platforms"))
    out.platforms.push_back({platform.text("Architecture"), platform.text("OS")});
  return out;
}

std::vector<model::NetworkAttachment> read_networks(const Fields& from) {
  std::vector<model::NetworkAttachment> out;
  for (const Fields& network : from.objects("Networks"))
    out.push_back({network.text("Target"), network.texts("Aliases"), network.pairs("DriverOpts")});
  return out;
}

model::FailureAction read_failure_action(const Fields& from) {
  const std::string word = from.text("FailureAction");
  if (word == "continue") return model::FailureAction::continue_;
  if (word == "rollback") return model::FailureAction::rollback;
  if (!word.empty() && word != "pause")
    from.issues().add(plain_error(Code::invalid_argument, "unrecognized update failure action " + word));
  return model::FailureAction::pause;
}

model::UpdateOrder read_order(const Fields& from) {
  const std::string word = from.text("Order");
  if (word == "start-first") return model::UpdateOrder::start_first;
  if (!word.empty() && word != "stop-first")
    from.issues().add(plain_error(Code::invalid_argument, "unrecognized update order " + word));
  return model::UpdateOrder::stop_first;
}

std::optional<model::UpdateConfig> read_update(const Fields& from) {
  if (!from.present()) return std::nullopt;
  model::UpdateConfig out;
  out.parallelism = from.count("Parallelism");
  out.delay = from.duration("Delay");
  out.failure_action = read_failure_action(from);
  out.monitor = from.optional_duration("Monitor");
  out.max_failure_ratio = from.number("MaxFailureRatio");
  out.order = read_order(from);
  return out;
}

model::PortConfig read_port(const Fields& from) {
  model::PortConfig out;
  out.name = from.text("Name");
  const std::string protocol = from.text("Protocol"), mode = from.text("PublishMode");
  if (protocol == "udp") {
    out.protocol = model::PortProtocol::udp;
  } else if (protocol == "sctp") {
    out.protocol = model::PortProtocol::sctp;
  } else if (!protocol.empty() && protocol != "tcp") {
    from.issues().add(plain_error(Code::invalid_argument, "unrecognized port protocol " + protocol));
  }
  if (mode == "host") {
    out.publish_mode = model::PublishMode::host;
  } else if (!mode.empty() && mode != "ingress") {
    from.issues().add(plain_error(Code::invalid_argument, "unrecognized publish mode " + mode));
  }
  out.target_port = from.count32("TargetPort");
  out.published_port = from.count32("PublishedPort");
  return out;
}

std::optional<model::EndpointSpec> read_endpoint(const Fields& from) {
  if (!from.present()) return std::nullopt;
  model::EndpointSpec out;
  const std::string mode = from.text("Mode");
  if (mode == "dnsrr") {
    out.mode = model::EndpointMode::dnsrr;
  } else if (!mode.empty() && mode != "vip") {
    from.issues().add(plain_error(Code::invalid_argument, "invalid resolution mode: \"" + mode + "\""));
  }
  for (const Fields& port : from.objects("Ports")) out.ports.push_back(read_port(port));
  return out;
}

// Exactly one mode, or none for one replica.
model::ServiceMode read_mode(const Fields& from) {
  const Fields replicated = from.object("Replicated"), global = from.object("Global");
  const bool job = from.object("ReplicatedJob").present() || from.object("GlobalJob").present();
  if (job + replicated.present() + global.present() > 1)
    from.issues().add(plain_error(Code::invalid_argument, "must specify only one service mode"));
  if (job)
    from.issues().add(plain_error(
        Code::unimplemented, "job modes are not there yet: this engine runs replicated and global services"));
  if (global.present()) return model::GlobalMode{};
  return model::ReplicatedMode{replicated.count("Replicas", 1)};
}

void refuse_other_runtimes(const Fields& from, const std::string& runtime) {
  if (runtime == "container" && !from.has("PluginSpec") && !from.has("NetworkAttachmentSpec")) return;
  from.issues().add(
      plain_error(Code::unimplemented, "this engine runs services of containers only, not of runtime \"" +
                                           (runtime == "container" ? "plugin" : runtime) + "\""));
}

}  // namespace

std::vector<model::GenericResource> read_generic_resources(const Fields& from, std::string_view name) {
  std::vector<model::GenericResource> out;
  for (const Fields& resource : from.objects(name)) {
    if (const Fields named = resource.object("NamedResourceSpec"); named.present())
      out.push_back({named.text("Kind"), named.text("Value"), 0});
    if (const Fields discrete = resource.object("DiscreteResourceSpec"); discrete.present())
      out.push_back({discrete.text("Kind"), {}, discrete.integer("Value")});
  }
  return out;
}

std::optional<model::Driver> read_driver(const Fields& from) {
  if (!from.present()) return std::nullopt;
  return model::Driver{from.text("Name"), from.pairs("Options")};
}

model::TaskSpec read_task_spec(const Fields& from) {
  model::TaskSpec spec;
  if (const Fields container = from.object("ContainerSpec"); container.present())
    spec.container = read_container_spec(container);
  spec.resources = read_requirements(from.object("Resources"));
  spec.restart = read_restart(from.object("RestartPolicy"));
  spec.placement = read_placement(from.object("Placement"));
  spec.networks = read_networks(from);
  spec.log_driver = read_driver(from.object("LogDriver"));
  spec.force_update = from.count("ForceUpdate");
  spec.runtime = from.text("Runtime");
  // Always written back, so always stored: a spec that comes back unchanged must not look changed.
  if (spec.runtime.empty()) spec.runtime = "container";
  refuse_other_runtimes(from, spec.runtime);
  return spec;
}

Result<model::ServiceSpec> read_service_spec(const Value& body) {
  Issues issues;
  const Fields from(&body, issues, "ServiceSpec");
  model::ServiceSpec spec;
  spec.annotations = {from.text("Name"), from.pairs("Labels")};
  spec.task = read_task_spec(from.object("TaskTemplate"));
  spec.mode = read_mode(from.object("Mode"));
  spec.update = read_update(from.object("UpdateConfig"));
  spec.rollback = read_update(from.object("RollbackConfig"));
  spec.networks = read_networks(from);
  spec.endpoint = read_endpoint(from.object("EndpointSpec"));
  if (issues.any()) return issues.first();
  return spec;
}

}  // namespace swarm::docker
