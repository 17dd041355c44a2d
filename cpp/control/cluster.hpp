// The cluster object: made once by init, changed by `docker swarm update` and by rotated join tokens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {

struct NewCluster {
  ClusterId id;
  model::ClusterSpec spec;
  std::vector<std::string> default_addr_pool;  // empty: 10.0.0.0/8
  std::uint32_t subnet_size = 24;
  std::uint32_t data_path_port = 4789;
  std::string root_cert_pem, root_key_pem;
  std::string join_token_worker, join_token_manager;
  std::string unlock_key;  // 32 bytes, for a swarm that begins with autolock
};
// One transaction: the cluster, its first node, the predefined networks (ingress, and the hidden bridge and
// host).
model::Transaction make_cluster(const NewCluster& fresh, const model::Node& first, Rng& rng);

// Settings that make sense; Docker's texts ("invalid heartbeat period ...", "invalid number of Raft election
// tick ...").
Result<void> validate_cluster_spec(const model::ClusterSpec& spec);

struct ClusterUpdate {
  std::uint64_t version = 0;
  model::ClusterSpec spec;
  std::optional<std::string> join_token_worker, join_token_manager;  // rotated: the new ones
  std::optional<model::RootCa> root_ca{};  // another root is wanted (root_rotation.hpp)
  std::string unlock_key{};                // 32 bytes, where a new one is needed
  bool rotate_unlock_key = false;
};
Result<model::Transaction> update_cluster(const store::Store& store, const ClusterUpdate& update);

}  // namespace swarm::control
