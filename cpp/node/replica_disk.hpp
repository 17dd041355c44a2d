// How a manager's state lies on disk and in snapshots: keys, and the way back.
//
//   raft_log    index, big-endian            -> codec(Entry)
//   raft_state  "hard"                       -> codec(HardState), codec(Promise): of the last synced write
//               "conf"                       -> codec(ConfState), as of "applied"
//               "snapshot"                   -> codec(SnapshotMeta): the log begins after it
//               "member/" raft id            -> codec(ManagerPeer)
//               "removed/" raft id           -> ""
//               "self"                       -> raft id of this node
//   mark                                     -> writes and chain of the promise
//   objects     kind, id[, spec version]     -> codec(record)
//               "applied"                    -> index, big-endian; written together with its objects
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "store/store.hpp"

namespace swarm::node {

inline constexpr const char* kAppliedKey = "applied";

std::string log_key(std::uint64_t index);
std::string object_key(const store::Key& key);
std::string member_key(std::uint64_t raft_id);
std::string removed_key(std::uint64_t raft_id);
std::string eight(std::uint64_t value);

std::string encode_record(const store::Store::Record& record);
// The stored encoding of the object at `key`, made once for each of its versions; null when it is gone.
const std::string* encoding_of(const store::Store& store, const store::Key& key);
// A hash of all that the store holds, the same on every replica at the same version (node/state_check).
Uint128 state_hash(const store::Store& store);
// The key's first byte names the kind.
Result<store::Store::Record> decode_record(std::string_view key, std::string_view value);

// All that is read at start.
struct ManagerState {
  std::uint64_t raft_id = 0;
  raft::HardState hard;
  raft::Promise promise, marked;
  raft::ConfState conf;
  raft::Snapshot snapshot;  // metadata only
  std::vector<raft::Entry> entries;
  std::map<std::uint64_t, wire::ManagerPeer> members;
  std::set<std::uint64_t> removed;
  std::vector<store::Store::Encoded> records;
  std::uint64_t applied = 0;
};
Result<ManagerState> load_replica(ports::Disk& disk);
// Returns up to where the disk shows its log to be committed: what the hard state says, and where this member
// was the only voter also the entry that gives another member a vote.
raft::Index surely_committed(const ManagerState& state);

// The mark of what a member has promised.
std::string mark_of(const raft::Promise& promise);
// The promise that is marked; none yet where there is no mark, or it cannot be read.
raft::Promise read_mark(std::string_view mark, std::uint64_t raft_id);
// Adds the hard state and the promise of the last synced write.
void put_hard_state(const raft::HardState& hard, const raft::Promise& promise, ports::DiskBatch& batch);
// Returns what the log itself shows to be missing, in words; "" if nothing.
std::string what_the_log_lacks(const ManagerState& state);
// Returns what this disk has lost of what its member promised, in words; "" if nothing, as far as a disk
// alone can tell: an older copy of all of it, with its mark, is whole.
std::string what_is_forgotten(const ManagerState& state, std::string_view mark);

// The feature level of the cluster on the disk, or in a snapshot; 1 where there is none. Reads nothing else
// of it: a newer build may have written what this one cannot read.
model::FeatureLevel stored_level(ports::Disk& disk);
model::FeatureLevel snapshot_level(std::string_view data);
// The applied index on the disk; 0 where there is none.
std::uint64_t stored_version(ports::Disk& disk);

// Adds what changed in the store since the last call, and the applied index with it.
void put_dirty(store::Store& store, ports::DiskBatch& batch);

// The data of a Raft snapshot, at once: the whole store, the members and the removed, as length-prefixed keys
// and values. In pieces: SnapshotPacker.
std::string pack_snapshot(const store::Store& store,
                          const std::map<std::uint64_t, wire::ManagerPeer>& members,
                          const std::set<std::uint64_t>& removed);
struct UnpackedSnapshot {
  std::vector<store::Store::Encoded> records;
  std::map<std::uint64_t, wire::ManagerPeer> members;
  std::set<std::uint64_t> removed;
};
Result<UnpackedSnapshot> unpack_snapshot(std::string_view data);

// Replaces all that the disk holds of the log, the members and the store by what a snapshot brought. The
// caller writes the applied index.
void put_snapshot(const raft::Snapshot& snapshot, const store::Store& store,
                  const std::map<std::uint64_t, wire::ManagerPeer>& members,
                  const std::set<std::uint64_t>& removed, ports::DiskBatch& batch);

}  // namespace swarm::node
