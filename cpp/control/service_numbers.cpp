#include "control/service_numbers.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/bounds.hpp"
#include "model/container_spec.hpp"
#include "model/resources.hpp"
#include "model/service_spec.hpp"

namespace swarm::control {
namespace {

using Check = Result<void>;

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

// ---- resources

// swarmkit manager/controlapi/service.go validateResources.
Check check_amounts(const model::Resources& resources) {
  constexpr std::int64_t kMinNanoCpus = 1'000'000, kMinMemory = 4LL * 1024 * 1024;
  if (resources.nano_cpus != 0 && resources.nano_cpus < kMinNanoCpus) {
    char text[64];
    std::snprintf(text, sizeof text, "invalid cpu value %g: Must be at least 0.001",
                  static_cast<double>(resources.nano_cpus) / 1e9);
    return invalid(text);
  }
  if (resources.memory_bytes != 0 && resources.memory_bytes < kMinMemory)
    return invalid("invalid memory value " + std::to_string(resources.memory_bytes) +
                   ": Must be at least 4MiB");
  // Docker takes -1 for "no limit", as of a container.
  if (resources.pids < -1)
    return invalid("invalid pids limit " + std::to_string(resources.pids) +
                   ": Must be at least 1, or 0 for no limit");
  for (const auto& generic : resources.generic_resources)
    if (generic.value < 0)
      return invalid("invalid generic resource value " + generic.kind + "=" + std::to_string(generic.value) +
                     ": Must not be negative");
  return {};
}

// ---- containers

Check check_health(const model::Healthcheck& health) {
  const std::pair<const char*, Duration> spans[] = {{"Interval", health.interval},
                                                    {"Timeout", health.timeout},
                                                    {"StartPeriod", health.start_period},
                                                    {"StartInterval", health.start_interval}};
  for (const auto& [name, span] : spans)
    if (span.ns != 0 && span < Duration::millis(1))
      return invalid(std::string("ContainerSpec: ") + name + " in HealthConfig cannot be less than 1ms");
  if (health.retries < 0) return invalid("ContainerSpec: Retries in HealthConfig cannot be negative");
  return {};
}

// go-units ulimit.go; -1 is "unlimited".
Check check_ulimit(const model::Ulimit& limit) {
  constexpr std::int64_t kUnlimited = -1;
  for (const std::int64_t value : {limit.soft, limit.hard})
    if (value < kUnlimited)
      return invalid("invalid ulimit value " + limit.name + "=" + std::to_string(value) +
                     ": Must not be negative, or -1 for unlimited");
  const std::string wrong = "ulimit soft limit must be less than or equal to hard limit: ";
  if (limit.hard == kUnlimited || limit.soft <= limit.hard) {
    if (limit.soft != kUnlimited || limit.hard == kUnlimited) return {};
    return invalid(wrong + "soft: -1 (unlimited), hard: " + std::to_string(limit.hard));
  }
  return invalid(wrong + std::to_string(limit.soft) + " > " + std::to_string(limit.hard));
}

}  // namespace

Result<void> check_resources(const model::ResourceRequirements& resources) {
  for (const auto* part : {&resources.limits, &resources.reservations})
    if (*part)
      if (const auto amounts = check_amounts(**part); !amounts) return amounts;
  return {};
}

Result<void> check_restart(const model::RestartPolicy& restart) {
  if (restart.delay && restart.delay->ns < 0) return invalid("TaskSpec: restart-delay cannot be negative");
  if (restart.window && restart.window->ns < 0) return invalid("TaskSpec: restart-window cannot be negative");
  return {};
}

Result<void> check_update(const model::UpdateConfig& update) {
  if (update.delay.ns < 0) return invalid("TaskSpec: update-delay cannot be negative");
  if (update.monitor && update.monitor->ns < 0) return invalid("TaskSpec: update-monitor cannot be negative");
  if (!(update.max_failure_ratio >= 0 && update.max_failure_ratio <= 1))  // not a number: neither
    return invalid("TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1");
  return {};
}

Result<void> check_container_numbers(const model::ContainerSpec& container) {
  if (container.stop_grace_period && container.stop_grace_period->ns < 0)
    return invalid("ContainerSpec: stop-grace-period cannot be negative");
  if (container.healthcheck)
    if (const auto health = check_health(*container.healthcheck); !health) return health;
  for (const auto& limit : container.ulimits)
    if (const auto fine = check_ulimit(limit); !fine) return fine;
  if (container.oom_score_adj < -1000 || container.oom_score_adj > 1000)
    return invalid("Invalid value " + std::to_string(container.oom_score_adj) +
                   ", range for oom score adj is [-1000, 1000]");
  for (const auto& mount : container.mounts)
    if (mount.tmpfs_options && mount.tmpfs_options->size_bytes < 0)
      return invalid("ContainerSpec: invalid tmpfs size " + std::to_string(mount.tmpfs_options->size_bytes) +
                     " of mount " + mount.target + ": Must not be negative");
  return {};
}

Result<void> check_replicas(const model::ServiceSpec& spec) {
  const auto* mode = std::get_if<model::ReplicatedMode>(&spec.mode);
  // Docker's client counts in signed numbers.
  if (mode != nullptr && static_cast<std::int64_t>(mode->replicas) < 0)
    return invalid("Number of replicas must be non-negative");
  const auto wrong = model::out_of_bounds(spec);
  if (wrong.empty()) return {};
  Error error = invalid(wrong.front());
  error.hint = "Each replica is kept by every manager: a swarm is made for a million of them.";
  return error;
}

Result<void> check_port_numbers(const model::PortConfig& port) {
  const bool published = port.published_port == 0 || model::kPorts.hold(port.published_port);
  if (model::kPorts.hold(port.target_port) && published) return {};
  return invalid("EndpointSpec: ports are numbers from 1 to 65535");
}

}  // namespace swarm::control
