// ServiceSpec and its parts: what a user wants of a service (Docker Engine API, "ServiceSpec").
//
// A client may leave an optional field out; the API then leaves it out, too. Defaults are in
// model/defaults.hpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/shared.hpp"
#include "base/time.hpp"
#include "model/annotations.hpp"
#include "model/port.hpp"
#include "model/resources.hpp"

namespace swarm::model {

struct ContainerSpec;  // model/container_spec.hpp

enum class RestartCondition : std::uint8_t { none, on_failure, any };

struct RestartPolicy {
  RestartCondition condition = RestartCondition::any;
  std::optional<Duration> delay;   // absent: 5 s
  std::uint64_t max_attempts = 0;  // 0: unlimited
  std::optional<Duration> window;  // absent or 0: for ever
  bool operator==(const RestartPolicy&) const = default;
};

struct Platform {
  std::string architecture;
  std::string os;
  bool operator==(const Platform&) const = default;
};

struct Placement {
  std::vector<std::string> constraints;         // "node.role==manager"
  std::vector<std::string> spread_preferences;  // "node.labels.zone", in order
  std::uint64_t max_replicas = 0;               // per node; 0: no limit
  std::vector<Platform> platforms;
  bool operator==(const Placement&) const = default;
};

struct NetworkAttachment {
  std::string target;  // a network's id
  std::vector<std::string> aliases;
  Labels driver_opts;
  bool operator==(const NetworkAttachment&) const = default;
};

struct ResourceRequirements {
  std::optional<Resources> limits;
  std::optional<Resources> reservations;
  bool operator==(const ResourceRequirements&) const = default;
};

struct TaskSpec {
  Shared<ContainerSpec> container;  // this engine runs containers' specs only
  std::optional<ResourceRequirements> resources;
  std::optional<RestartPolicy> restart;  // absent: any
  std::optional<Placement> placement;
  std::vector<NetworkAttachment> networks;
  std::optional<Driver> log_driver;
  std::uint64_t force_update = 0;
  std::string runtime;  // "container" or empty
  bool operator==(const TaskSpec&) const;
};

// Of one service: as many tasks as a whole swarm is built for. Every manager keeps an object for each.
inline constexpr std::uint64_t kMaxReplicas = 1'000'000;

struct ReplicatedMode {
  std::uint64_t replicas = 1;
  bool operator==(const ReplicatedMode&) const = default;
};
struct GlobalMode {
  bool operator==(const GlobalMode&) const = default;
};
using ServiceMode = std::variant<ReplicatedMode, GlobalMode>;

enum class FailureAction : std::uint8_t { pause, continue_, rollback };
enum class UpdateOrder : std::uint8_t { stop_first, start_first };

// How an update or a rollback proceeds.
struct UpdateConfig {
  std::uint64_t parallelism = 0;  // 0: all at once
  Duration delay;
  FailureAction failure_action = FailureAction::pause;
  std::optional<Duration> monitor;  // absent: 5 s
  // In [0, 1]. Kept as the number that the client sent; compared as failures > ratio * slots in integer
  // arithmetic by `exceeds_ratio` so that every compiler decides alike.
  double max_failure_ratio = 0;
  UpdateOrder order = UpdateOrder::stop_first;
  bool operator==(const UpdateConfig&) const = default;
};

enum class PublishMode : std::uint8_t { ingress, host };

struct PortConfig {
  std::string name;
  PortProtocol protocol = PortProtocol::tcp;
  std::uint32_t target_port = 0;
  std::uint32_t published_port = 0;  // 0: to be allocated
  PublishMode publish_mode = PublishMode::ingress;
  bool operator==(const PortConfig&) const = default;
};

enum class EndpointMode : std::uint8_t { vip, dnsrr };

struct EndpointSpec {
  EndpointMode mode = EndpointMode::vip;
  std::vector<PortConfig> ports;
  bool operator==(const EndpointSpec&) const = default;
};

struct ServiceSpec {
  Annotations annotations;
  TaskSpec task;
  ServiceMode mode = ReplicatedMode{};
  std::optional<UpdateConfig> update;
  std::optional<UpdateConfig> rollback;
  std::vector<NetworkAttachment> networks;  // deprecated in Docker's API, kept and echoed
  std::optional<EndpointSpec> endpoint;
  bool operator==(const ServiceSpec&) const = default;

  bool is_replicated() const { return std::holds_alternative<ReplicatedMode>(mode); }
  bool is_global() const { return std::holds_alternative<GlobalMode>(mode); }
  // Returns how many the engine makes: a spec that was stored before there was a bound may ask for more.
  std::uint64_t replicas() const {
    return is_replicated() ? std::min(std::get<ReplicatedMode>(mode).replicas, kMaxReplicas) : 0;
  }
};

}  // namespace swarm::model
