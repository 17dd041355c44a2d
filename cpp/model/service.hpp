// Service: a spec and what the swarm has made of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/kind.hpp"
#include "model/meta.hpp"
#include "model/network.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

enum class UpdateState : std::uint8_t {
  updating,
  paused,
  completed,
  rollback_started,
  rollback_paused,
  rollback_completed,
};
const char* to_string(UpdateState state);  // Docker's words, "rollback_started"

struct UpdateStatus {
  UpdateState state = UpdateState::updating;
  std::optional<WallTime> started_at;
  std::optional<WallTime> completed_at;
  std::string message;
  bool operator==(const UpdateStatus&) const = default;
};

// A service's own address on one of its networks, "10.0.1.2/24".
struct VirtualIp {
  NetworkId network_id;
  std::string address;
  bool operator==(const VirtualIp&) const = default;
};

struct Service {
  static constexpr Kind kKind{2};
  static constexpr const char* kWord = "service";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;
  const std::string& unique_name() const { return spec.annotations.name; }
  FeatureLevel needed_level() const { return virtual_ips.empty() ? kFirstLevel : kNetworksSince; }

  ServiceId id;
  Meta meta;
  ServiceSpec spec;
  // 0 on create, then the meta version that the update named; put back by a rollback. Tasks carry it. Never
  // compare it with meta.version.
  std::uint64_t spec_version = 0;
  std::optional<ServiceSpec> previous_spec;
  std::uint64_t previous_spec_version = 0;
  std::optional<UpdateStatus> update_status;
  std::vector<PortConfig> ports;  // as allocated
  std::vector<VirtualIp> virtual_ips;
  bool operator==(const Service&) const = default;
};

}  // namespace swarm::model
