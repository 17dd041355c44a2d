// Network: a swarm-scoped network. Only the predefined ones exist so far (ingress, and the hidden twins of
// bridge and host); the overlay comes later.
#pragma once

#include <string>
#include <vector>

#include "model/annotations.hpp"
#include "model/kind.hpp"
#include "model/meta.hpp"

namespace swarm::model {

struct IpamConfig {
  std::string subnet, ip_range, gateway;
  bool operator==(const IpamConfig&) const = default;
};

struct Network {
  static constexpr Kind kKind{4};
  static constexpr const char* kWord = "network";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;
  const std::string& unique_name() const { return annotations.name; }
  std::string shown_driver() const { return driver.empty() ? "overlay" : driver; }
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
  bool predefined = false;  // label com.docker.swarm.predefined: hidden from lists
  std::vector<IpamConfig> ipam;
  Labels options;
  bool operator==(const Network&) const = default;
};

}  // namespace swarm::model
