// Node: a member of the swarm. `spec` is what users want of it, the rest what it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/annotations.hpp"
#include "model/feature_level.hpp"
#include "model/kind.hpp"
#include "model/meta.hpp"
#include "model/resources.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

enum class NodeRole : std::uint8_t { worker, manager };
enum class Availability : std::uint8_t { active, pause, drain };
// SwarmKit's numbers.
enum class NodeState : std::uint8_t { unknown, down, ready, disconnected };
enum class Reachability : std::uint8_t { unknown, unreachable, reachable };

const char* to_string(NodeRole role);
const char* to_string(Availability availability);
const char* to_string(NodeState state);
const char* to_string(Reachability reachability);
std::optional<NodeRole> parse_node_role(std::string_view word);
std::optional<Availability> parse_availability(std::string_view word);

struct NodeSpec {
  Annotations annotations;  // the name is the user's; empty: the hostname is shown
  NodeRole desired_role = NodeRole::worker;
  Availability availability = Availability::active;
  bool operator==(const NodeSpec&) const = default;
};

struct Plugin {
  std::string type;  // "Network", "Volume", "Log"
  std::string name;
  bool operator==(const Plugin&) const = default;
};

// What the node proves itself with, as it is: the root that it believes, and the one that signed its
// certificate (Docker's TLSInfo).
struct TlsInfo {
  std::string trust_root;                         // PEM
  std::string issuer;                             // the signer as certificates name it (Crypto::root_id)
  std::string issuer_subject, issuer_public_key;  // DER
  bool operator==(const TlsInfo&) const = default;
};
inline constexpr FeatureLevel kTlsInfoSince = 2;

// What the node says of itself.
struct NodeDescription {
  std::string hostname;
  Platform platform;
  Resources resources;
  std::string engine_version;
  Labels engine_labels;
  std::vector<Plugin> plugins;
  FeatureLevel feature_level = kFirstLevel;  // the highest that its build knows
  std::optional<TlsInfo> tls;                // nothing: the node has not said it
  bool operator==(const NodeDescription&) const = default;
};

struct NodeStatus {
  NodeState state = NodeState::unknown;
  std::string message;
  std::string addr;  // the address that the node connects from
  bool operator==(const NodeStatus&) const = default;
};

// Only for members of the Raft group. Leader and reachability are live facts, filled in when shown.
struct ManagerStatus {
  std::uint64_t raft_id = 0;
  std::string addr;  // "ip:2377"
  bool operator==(const ManagerStatus&) const = default;
};

struct Node {
  static constexpr Kind kKind{1};
  static constexpr const char* kWord = "node";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;

  NodeId id;
  Meta meta;
  NodeSpec spec;
  NodeDescription description;
  NodeStatus status;
  NodeRole role = NodeRole::worker;  // observed
  std::optional<ManagerStatus> manager;
  bool operator==(const Node&) const = default;

  FeatureLevel needed_level() const { return description.tls ? kTlsInfoSince : kFirstLevel; }
  const std::string& display_name() const {
    return spec.annotations.name.empty() ? description.hostname : spec.annotations.name;
  }
  // Returns true if new tasks may be placed here (swarmkit's Ready filter).
  bool accepts_tasks() const {
    return status.state == NodeState::ready && spec.availability == Availability::active;
  }
  // Returns true if its tasks must go elsewhere. UNKNOWN, DISCONNECTED and PAUSE never evict.
  bool evicts_tasks() const {
    return status.state == NodeState::down || spec.availability == Availability::drain;
  }
};

}  // namespace swarm::model
