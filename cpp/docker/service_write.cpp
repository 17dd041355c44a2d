// ServiceSpec and TaskSpec to JSON.
#include "docker/specs.hpp"
#include "model/defaults.hpp"

namespace swarm::docker {
namespace {

const char* word(model::RestartCondition condition) {
  switch (condition) {
    case model::RestartCondition::none:
      return "none";
    case model::RestartCondition::on_failure:
      return "on-failure";
    case model::RestartCondition::any:
      break;
  }
  return "any";
}

const char* word(model::FailureAction action) {
  switch (action) {
    case model::FailureAction::continue_:
      return "continue";
    case model::FailureAction::rollback:
      return "rollback";
    case model::FailureAction::pause:
      break;
  }
  return "pause";
}

const char* word(model::PortProtocol protocol) {
  switch (protocol) {
    case model::PortProtocol::udp:
      return "udp";
    case model::PortProtocol::sctp:
      return "sctp";
    case model::PortProtocol::tcp:
      break;
  }
  return "tcp";
}

void write_resources(Json& json, std::string_view name, const std::optional<model::Resources>& resources) {
  if (!resources) return;
  json.object(name, [&] {
    json.field_if("NanoCPUs", resources->nano_cpus)
        .field_if("MemoryBytes", resources->memory_bytes)
        .field_if("Pids", resources->pids);
    write_generic_resources(json, "GenericResources", resources->generic_resources);
  });
}

void write_restart(Json& json, const model::RestartPolicy& restart) {
  json.object("RestartPolicy", [&] {
    json.field("Condition", word(restart.condition));
    if (restart.delay) json.field("Delay", *restart.delay);
    json.field("MaxAttempts", restart.max_attempts);
    if (restart.window) json.field("Window", *restart.window);
  });
}

void write_placement(Json& json, const model::Placement& placement) {
  json.object("Placement", [&] {
    json.field_if("Constraints", placement.constraints);
    if (!placement.spread_preferences.empty())
      json.array("Preferences", [&] {
        for (const auto& descriptor : placement.spread_preferences)
          json.object([&] { json.object("Spread", [&] { json.field("SpreadDescriptor", descriptor); }); });
      });
    json.field_if("MaxReplicas", placement.max_replicas);
    if (!placement.platforms.empty())
      json.array("Platforms", [&] {
        for (const auto& platform : placement.platforms)
          json.object(
              [&] { json.field_if("Architecture", platform.architecture).field_if("OS", platform.os); });
      });
  });
}

void write_networks(Json& json, const std::vector<model::NetworkAttachment>& networks) {
  if (networks.empty()) return;
  json.array("Networks", [&] {
    for (const auto& network : networks)
      json.object([&] {
        json.field_if("Target", network.target)
            .field_if("Aliases", network.aliases)
            .field_if("DriverOpts", network.driver_opts);
      });
  });
}

void write_update(Json& json, std::string_view name, const std::optional<model::UpdateConfig>& config,
                  bool defaults) {
  if (!config && !defaults) return;
  model::UpdateConfig shown = config.value_or(model::default_update_config());
  if (!config) shown.monitor = model::kUpdateMonitor;
  json.object(name, [&] {
    json.field("Parallelism", shown.parallelism)
        .field_if("Delay", shown.delay)
        .field("FailureAction", word(shown.failure_action));
    if (shown.monitor) json.field("Monitor", *shown.monitor);
    json.field("MaxFailureRatio", shown.max_failure_ratio)
        .field("Order", shown.order == model::UpdateOrder::start_first ? "start-first" : "stop-first");
  });
}

void write_mode(Json& json, const model::ServiceSpec& spec) {
  json.object("Mode", [&] {
    if (spec.is_global()) {
      json.object("Global", [] {});
    } else {
      json.object("Replicated",
                  [&] { json.field("Replicas", std::get<model::ReplicatedMode>(spec.mode).replicas); });
    }
  });
}

}  // namespace

void write_generic_resources(Json& json, std::string_view name,
                             const std::vector<model::GenericResource>& all) {
  if (all.empty()) return;
  json.array(name, [&] {
    for (const auto& resource : all)
      json.object([&] {
        if (!resource.name.empty()) {
          json.object("NamedResourceSpec",
                      [&] { json.field("Kind", resource.kind).field("Value", resource.name); });
        } else {
          json.object("DiscreteResourceSpec",
                      [&] { json.field("Kind", resource.kind).field("Value", resource.value); });
        }
      });
  });
}

void write_driver(Json& json, std::string_view name, const model::Driver& driver) {
  json.object(name, [&] { json.field_if("Name", driver.name).field_if("Options", driver.options); });
}

void write_annotations(Json& json, const model::Annotations& annotations) {
  json.field_if("Name", annotations.name).field("Labels", annotations.labels);
}

void write_ports(Json& json, std::string_view name, const std::vector<model::PortConfig>& ports) {
  if (ports.empty()) return;
  json.array(name, [&] {
    for (const auto& port : ports)
      json.object([&] {
        json.field_if("Name", port.name)
            .field("Protocol", word(port.protocol))
            .field_if("TargetPort", port.target_port)
            .field_if("PublishedPort", port.published_port)
            .field("PublishMode", port.publish_mode == model::PublishMode::host ? "host" : "ingress");
      });
  });
}

void write_endpoint_spec(Json& json, const model::EndpointSpec& spec) {
  json.field("Mode", spec.mode == model::EndpointMode::dnsrr ? "dnsrr" : "vip");
  write_ports(json, "Ports", spec.ports);
}

void write_task_spec(Json& json, const model::TaskSpec& spec, TaskSpecOf owner) {
  const bool defaults = owner == TaskSpecOf::service_with_defaults;
  json.object([&] {
    if (spec.container) write_container_spec(json, *spec.container, defaults);
    if (spec.resources || defaults)
      json.object("Resources", [&] {
        if (!spec.resources) return;
        write_resources(json, "Limits", spec.resources->limits);
        write_resources(json, "Reservations", spec.resources->reservations);
      });
    if (spec.restart) {
      write_restart(json, *spec.restart);
    } else if (defaults) {
      write_restart(json, {model::RestartCondition::any, model::kRestartDelay, 0, std::nullopt});
    }
    if (spec.placement || defaults) write_placement(json, spec.placement.value_or(model::Placement{}));
    write_networks(json, spec.networks);
    if (spec.log_driver) write_driver(json, "LogDriver", *spec.log_driver);
    json.field("ForceUpdate", spec.force_update);
    if (owner != TaskSpecOf::task)
      json.field("Runtime", spec.runtime.empty() ? "container" : spec.runtime.c_str());
  });
}

void write_service_spec(Json& json, const model::ServiceSpec& spec, bool defaults) {
  json.object([&] {
    write_annotations(json, spec.annotations);
    json.key("TaskTemplate");
    write_task_spec(json, spec.task, defaults ? TaskSpecOf::service_with_defaults : TaskSpecOf::service);
    write_mode(json, spec);
    write_update(json, "UpdateConfig", spec.update, defaults);
    write_update(json, "RollbackConfig", spec.rollback, defaults);
    write_networks(json, spec.networks);
    if (spec.endpoint) json.object("EndpointSpec", [&] { write_endpoint_spec(json, *spec.endpoint); });
  });
}

}  // namespace swarm::docker
