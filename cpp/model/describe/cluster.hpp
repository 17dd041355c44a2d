// The fields of the cluster (model/cluster.hpp).
#pragma once

#include "model/cluster.hpp"
#include "model/describe/annotations.hpp"
#include "model/describe/meta.hpp"

namespace swarm::model {

SWARM_DESCRIBE(RaftSettings) {
  SWARM_ROW(snapshot_interval, always("SnapshotInterval"));
  SWARM_ROW(keep_old_snapshots, always("KeepOldSnapshots"));
  SWARM_ROW(log_entries_for_slow_followers, always("LogEntriesForSlowFollowers"));
  SWARM_ROW(election_tick, always("ElectionTick"));
  SWARM_ROW(heartbeat_tick, always("HeartbeatTick"));
}

SWARM_DESCRIBE(ExternalCa) {
  SWARM_ROW(protocol, always("Protocol"));
  SWARM_ROW(url, always("URL"));
  SWARM_ROW(options, omit("Options"));
  SWARM_ROW(ca_cert, always("CACert"));
}

SWARM_DESCRIBE(CaSettings) {
  SWARM_ROW(node_cert_expiry, always("NodeCertExpiry"));
  SWARM_ROW(external_cas, omit("ExternalCAs"));
  SWARM_ROW(force_rotate, omit("ForceRotate"));
}

SWARM_DESCRIBE(ClusterSpec) {
  SWARM_ROW(annotations, flat);
  SWARM_ROW(task_history_retention_limit, always("Orchestration.TaskHistoryRetentionLimit"));
  SWARM_ROW(raft, always("Raft"));
  SWARM_ROW(heartbeat_period, always("Dispatcher.HeartbeatPeriod"));
  SWARM_ROW(ca, always("CAConfig"));
  SWARM_ROW(log_driver, omit("TaskDefaults.LogDriver"));
  SWARM_ROW(auto_lock_managers, always("EncryptionConfig.AutoLockManagers"));
}

SWARM_FIELDS(RootRotation, cert_pem, key_pem, cross_signed_pem, id, join_token_worker, join_token_manager)

// Its JSON is that of the join tokens.
SWARM_DESCRIBE(RootCa) {
  SWARM_ROW(cert_pem);
  SWARM_ROW(key_pem);
  SWARM_ROW(join_token_worker, always("Worker"));
  SWARM_ROW(join_token_manager, always("Manager"));
  SWARM_ROW(id);
  SWARM_ROW(rotation);
}

SWARM_DESCRIBE(Cluster) {
  SWARM_ROW(id, always("ID"));
  SWARM_ROW(meta, flat);
  SWARM_ROW(spec, always("Spec"));
  SWARM_ROW(root_ca);
  SWARM_PLACE("TLSInfo");
  SWARM_PLACE("RootRotationInProgress");
  SWARM_ROW(default_addr_pool, always("DefaultAddrPool"));
  SWARM_ROW(subnet_size, always("SubnetSize"));
  SWARM_ROW(data_path_port, always("DataPathPort"));
  SWARM_PLACE("JoinTokens");
  SWARM_ROW(removed_nodes);
  SWARM_ROW_UNLESS(feature_level, kFirstLevel);
  SWARM_ROW(unlock_key);
  SWARM_ROW(unlock_key_number);
}
SWARM_CASE(Put, Cluster, cluster)

}  // namespace swarm::model
