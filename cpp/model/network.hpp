// Network: a swarm-scoped network: what a user wants of it, and the subnets and numbers that the allocator
// gave it (allocator/). `ingress` and the hidden twins of bridge and host are there from the start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/annotations.hpp"
#include "model/feature_level.hpp"
#include "model/kind.hpp"
#include "model/meta.hpp"

namespace swarm::model {

struct IpamConfig {
  std::string subnet, ip_range, gateway;  // "10.0.1.0/24", a block within it, "10.0.1.1"
  Labels auxiliary = {};                  // addresses by name, which no task gets
  std::uint32_t vni = 0;  // of VXLAN (RFC 7348), as allocated: one for each subnet, as Docker has it
  bool operator==(const IpamConfig&) const = default;
};

// Networks that users make, and what is allocated for tasks and services.
inline constexpr FeatureLevel kNetworksSince = 3;
// Docker's names of options: which VNIs, and that frames between nodes are encrypted.
inline constexpr const char* kVniOption = "com.docker.network.driver.overlay.vxlanid_list";
inline constexpr const char* kEncryptedOption = "encrypted";

struct Network {
  static constexpr Kind kKind{4};
  static constexpr const char* kWord = "network";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;
  const std::string& unique_name() const { return annotations.name; }
  std::string shown_driver() const { return driver.empty() ? "overlay" : driver; }
  const std::vector<IpamConfig>& shown_ipam() const { return allocated.empty() ? ipam : allocated; }
  // As its driver keeps them: with the numbers that it got.
  Labels shown_options() const;
  // Its tasks get addresses, and a network namespace of their own.
  bool is_overlay() const { return !predefined && shown_driver() == "overlay"; }
  FeatureLevel needed_level() const {
    return (predefined || ingress) && allocated.empty() ? kFirstLevel : kNetworksSince;
  }
  Labels shown_labels() const {
    Labels labels = annotations.labels;
    if (predefined) labels["com.docker.swarm.predefined"] = "true";
    return labels;
  }

  NetworkId id;
  Meta meta;
  Annotations annotations;
  std::string driver;
  bool ingress = false;
  bool internal = false;
  bool attachable = false;
  bool predefined = false;       // label com.docker.swarm.predefined: hidden from lists
  std::vector<IpamConfig> ipam;  // as its user wants it; empty: from the swarm's pool
  Labels options;
  std::vector<IpamConfig> allocated;  // empty: nothing yet
  bool operator==(const Network&) const = default;
};

}  // namespace swarm::model
