#include "model/kept_fields.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/container_spec.hpp"
#include "model/resources.hpp"
#include "model/service_spec.hpp"
#include "model/spec_networks.hpp"

namespace swarm::model {
namespace {

// ---- what a field asks for, into an otherwise empty spec

ContainerSpec& container_of(ServiceSpec& spec) { return spec.task.container.edit(); }
Resources& limits_of(ServiceSpec& spec) {
  auto& resources = spec.task.resources ? *spec.task.resources : spec.task.resources.emplace();
  return resources.limits ? *resources.limits : resources.limits.emplace();
}

// A field whose empty value asks for nothing.
template <auto member>
void plain(const ServiceSpec& from, ServiceSpec& to) {
  static const ContainerSpec kEmpty;  // all fields of all services come here
  if (from.task.container && (*from.task.container).*member != kEmpty.*member)
    container_of(to).*member = (*from.task.container).*member;
}
template <auto member>
void limit(const ServiceSpec& from, ServiceSpec& to) {
  if (from.task.resources && from.task.resources->limits && (*from.task.resources->limits).*member != 0)
    limits_of(to).*member = (*from.task.resources->limits).*member;
}

void privileges(const ServiceSpec& from, ServiceSpec& to) {
  if (!from.task.container) return;
  const auto& asked = from.task.container->privileges;
  if (!asked) return;
  Privileges wish = *asked;
  if (wish.credential_spec == CredentialSpec{}) wish.credential_spec.reset();
  if (wish.selinux_context == SelinuxContext{}) wish.selinux_context.reset();
  const bool usual_seccomp = wish.seccomp && (wish.seccomp->mode.empty() || wish.seccomp->mode == "default");
  if (usual_seccomp && wish.seccomp->profile.empty()) wish.seccomp.reset();
  if (wish.apparmor_mode && (wish.apparmor_mode->empty() || *wish.apparmor_mode == "default"))
    wish.apparmor_mode.reset();
  if (wish != Privileges{}) container_of(to).privileges = wish;
}

// Without a test of its own it would be the image's: our images have none.
void health_check(const ServiceSpec& from, ServiceSpec& to) {
  const auto& check = from.task.container ? from.task.container->healthcheck : std::optional<Healthcheck>();
  if (check && !check->test.empty() && check->test.front() != "NONE" && !check->test.front().empty())
    container_of(to).healthcheck = check;
}

// Tasks on networks of their own have a name server that obeys them.
void dns(const ServiceSpec& from, ServiceSpec& to) {
  if (!networks_named(from).empty()) return;
  if (from.task.container && from.task.container->dns_config &&
      from.task.container->dns_config != DnsConfig{})
    container_of(to).dns_config = from.task.container->dns_config;
}

void log_driver(const ServiceSpec& from, ServiceSpec& to) {
  const auto& driver = from.task.log_driver;
  if (!driver) return;
  const bool usual = driver->name.empty() || driver->name == "json-file";
  if (!usual || !driver->options.empty()) to.task.log_driver = driver;
}

// On networks of its own a service without a virtual address is what it says: its name leads to its tasks.
void endpoint_mode(const ServiceSpec& from, ServiceSpec& to) {
  if (from.endpoint && from.endpoint->mode != EndpointMode::vip && networks_named(from).empty())
    to.endpoint.emplace().mode = from.endpoint->mode;
}

// ---- the table

constexpr FieldRule done(std::string_view path) { return {path, FieldFate::done, {}, nullptr}; }
constexpr FieldRule refused(std::string_view path, std::string_view why) {
  return {path, FieldFate::refused, why, nullptr};
}
constexpr FieldRule kept(std::string_view path, std::string_view words,
                         void (*copy)(const ServiceSpec&, ServiceSpec&)) {
  return {path, FieldFate::kept, words, copy};
}

constexpr FieldRule kRules[] = {
    done("Name"),
    done("Labels"),
    done("Mode.Replicated"),
    done("Mode.Global"),
    refused("Mode.ReplicatedJob", "job modes are not there yet"),
    refused("Mode.GlobalJob", "job modes are not there yet"),
    done("UpdateConfig"),
    done("RollbackConfig"),
    done("Networks"),
    kept("EndpointSpec.Mode", "endpoint modes other than vip", endpoint_mode),
    done("EndpointSpec.Ports"),  // but udp and sctp, which are refused
    kept("TaskTemplate.Resources.Limits.MemoryBytes", "memory limits", limit<&Resources::memory_bytes>),
    kept("TaskTemplate.Resources.Limits.NanoCPUs", "CPU limits", limit<&Resources::nano_cpus>),
    kept("TaskTemplate.Resources.Limits.Pids", "limits of processes", limit<&Resources::pids>),
    done("TaskTemplate.Resources.Limits.GenericResources"),  // Docker's API has none there
    done("TaskTemplate.Resources.Reservations"),
    done("TaskTemplate.RestartPolicy"),
    done("TaskTemplate.Placement"),
    done("TaskTemplate.Networks"),
    kept("TaskTemplate.LogDriver", "log drivers", log_driver),
    done("TaskTemplate.ForceUpdate"),
    done("TaskTemplate.Runtime"),  // "container"; others are refused
    refused("TaskTemplate.PluginSpec", "this engine runs services of containers only"),
    refused("TaskTemplate.NetworkAttachmentSpec", "this engine runs services of containers only"),
    done("TaskTemplate.ContainerSpec.Image"),
    done("TaskTemplate.ContainerSpec.Labels"),
    done("TaskTemplate.ContainerSpec.Command"),
    done("TaskTemplate.ContainerSpec.Args"),
    done("TaskTemplate.ContainerSpec.Hostname"),  // as the variable HOSTNAME
    done("TaskTemplate.ContainerSpec.Env"),
    done("TaskTemplate.ContainerSpec.Dir"),
    kept("TaskTemplate.ContainerSpec.User", "users", plain<&ContainerSpec::user>),
    kept("TaskTemplate.ContainerSpec.Groups", "groups", plain<&ContainerSpec::groups>),
    kept("TaskTemplate.ContainerSpec.Privileges", "privileges", privileges),
    done("TaskTemplate.ContainerSpec.Init"),  // a task's shim is its init, wished or not
    done("TaskTemplate.ContainerSpec.StopSignal"),
    done("TaskTemplate.ContainerSpec.StopGracePeriod"),
    kept("TaskTemplate.ContainerSpec.TTY", "terminals", plain<&ContainerSpec::tty>),
    kept("TaskTemplate.ContainerSpec.OpenStdin", "standard input", plain<&ContainerSpec::open_stdin>),
    kept("TaskTemplate.ContainerSpec.ReadOnly", "read-only root file systems",
         plain<&ContainerSpec::read_only>),
    kept("TaskTemplate.ContainerSpec.Mounts", "mounts", plain<&ContainerSpec::mounts>),
    kept("TaskTemplate.ContainerSpec.Healthcheck", "health checks", health_check),
    kept("TaskTemplate.ContainerSpec.Hosts", "extra hosts", plain<&ContainerSpec::hosts>),
    kept("TaskTemplate.ContainerSpec.DNSConfig", "DNS settings", dns),
    refused("TaskTemplate.ContainerSpec.Secrets", "there are no secrets yet"),
    refused("TaskTemplate.ContainerSpec.Configs", "there are no configs yet"),
    kept("TaskTemplate.ContainerSpec.Isolation", "isolation", plain<&ContainerSpec::isolation>),
    kept("TaskTemplate.ContainerSpec.Sysctls", "sysctls", plain<&ContainerSpec::sysctls>),
    kept("TaskTemplate.ContainerSpec.CapabilityAdd", "added capabilities",
         plain<&ContainerSpec::capability_add>),
    kept("TaskTemplate.ContainerSpec.CapabilityDrop", "dropped capabilities",
         plain<&ContainerSpec::capability_drop>),
    kept("TaskTemplate.ContainerSpec.Ulimits", "ulimits", plain<&ContainerSpec::ulimits>),
    kept("TaskTemplate.ContainerSpec.OomScoreAdj", "OOM scores", plain<&ContainerSpec::oom_score_adj>),
};

}  // namespace

std::span<const FieldRule> field_rules() { return kRules; }

std::vector<std::string> newly_kept(const ServiceSpec& spec, const ServiceSpec* before) {
  static const ServiceSpec kNothing;
  std::vector<std::string> out;
  ServiceSpec now;  // what the field asks for; one for all of them, as few ask for anything
  for (const FieldRule& rule : kRules) {
    if (rule.copy == nullptr) continue;
    rule.copy(spec, now);
    if (now == kNothing) continue;
    ServiceSpec then;
    if (before != nullptr) rule.copy(*before, then);
    if (now != then) out.emplace_back(rule.words);
    now = {};
  }
  return out;
}

}  // namespace swarm::model
