// Cluster: the one object named "default" that holds the swarm's settings, its root certificate and its join
// tokens.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "model/annotations.hpp"
#include "model/defaults.hpp"
#include "model/feature_level.hpp"
#include "model/kind.hpp"
#include "model/meta.hpp"

namespace swarm::model {

struct RaftSettings {
  std::uint64_t snapshot_interval = 10'000;
  std::uint64_t keep_old_snapshots = 0;
  std::uint64_t log_entries_for_slow_followers = 500;
  std::uint32_t election_tick = kElectionTicks;
  std::uint32_t heartbeat_tick = kHeartbeatTicks;
  bool operator==(const RaftSettings&) const = default;
};

struct ExternalCa {
  std::string protocol;  // "cfssl"
  std::string url;
  Labels options;
  std::string ca_cert;
  bool operator==(const ExternalCa&) const = default;
};

struct CaSettings {
  Duration node_cert_expiry = Duration::seconds(90LL * 24 * 3600);
  std::uint64_t force_rotate = 0;
  std::vector<ExternalCa> external_cas;
  bool operator==(const CaSettings&) const = default;
};

struct ClusterSpec {
  Annotations annotations{"default", {}};
  std::int64_t task_history_retention_limit = kTaskHistoryLimit;  // per slot; negative: keep all
  RaftSettings raft;
  Duration heartbeat_period = kHeartbeatPeriod;  // of the dispatcher
  CaSettings ca;
  bool auto_lock_managers = false;
  std::optional<Driver> log_driver;  // TaskDefaults.LogDriver
  bool operator==(const ClusterSpec&) const = default;
};

// The swarm is on its way to another root (swarmkit: api.RootRotation). Nodes get certificates of this one,
// and believe the old root until each of them has one.
struct RootRotation {
  std::string cert_pem, key_pem;
  std::string cross_signed_pem;                       // a certificate of the same key, signed by the old root
  std::string id;                                     // as certificates name it (Crypto::root_id)
  std::string join_token_worker, join_token_manager;  // in force when it is over
  bool operator==(const RootRotation&) const = default;
};
inline constexpr FeatureLevel kRootRotationSince = 2;

struct RootCa {
  std::string cert_pem;
  std::string key_pem;
  std::string join_token_worker;  // "SWMTKN-1-..."
  std::string join_token_manager;
  std::string id;  // as certificates name it; empty in a swarm whose root was never rotated
  std::optional<RootRotation> rotation;

  // The signer that every node's certificate is to have, as certificates name it; empty: any.
  const std::string& wanted_issuer() const { return rotation ? rotation->id : id; }
  bool operator==(const RootCa&) const = default;
};

inline constexpr FeatureLevel kAutolockSince = 2;

struct Cluster {
  static constexpr Kind kKind{0};
  static constexpr const char* kWord = "cluster";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;

  ClusterId id;
  Meta meta;
  ClusterSpec spec;
  RootCa root_ca;
  std::vector<std::string> default_addr_pool{"10.0.0.0/8"};
  std::uint32_t subnet_size = 24;
  std::uint32_t data_path_port = 4789;
  std::vector<NodeId> removed_nodes;         // may not come back under the same id
  FeatureLevel feature_level = kFirstLevel;  // only ever rises
  // Seals managers' key files while autolock is on (`docker swarm unlock-key`): 32 bytes; empty: it is off.
  std::string unlock_key;
  std::uint64_t unlock_key_number = 0;  // of its changes so far: on, off, another key
  bool operator==(const Cluster&) const = default;

  FeatureLevel needed_level() const {
    const bool has_other_root = root_ca.rotation || !root_ca.id.empty();
    return std::max(has_other_root ? kRootRotationSince : kFirstLevel,
                    unlock_key_number == 0 ? kFirstLevel : kAutolockSince);
  }
};

}  // namespace swarm::model
