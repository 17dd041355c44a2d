// Disk: ordered atomic batches of keys and values, with durability on demand.
//
// Contract (one conformance suite proves it over every implementation): batches take effect in the order of
// commit; a crash keeps a prefix of them that contains every batch up to the last durable one; a batch is
// kept whole or not at all. Families identity, agent and format live in a small log of the node's own, the
// others in RocksDB, which is opened when the first batch touches it: a worker never does. Family
// certificates is files of its own, as Docker lays them out, and its batches are always durable. A batch
// touches one of the three sides only.
//
// A device may fail, or have no room. A manager's batch that could not be written or made durable is answered
// by DiskFailed, and so is each later one, until the manager's side was opened again from the disk
// (`reopen`): after a sync that failed, what reads give may never have reached the device, and no later sync
// says so. An implementation that opens it again makes all of it durable anew before it says that it is open.
// The node's own sides are small and in memory as well: what could not be written is written again, as a
// whole and to new files, until the device takes it. Their batches wait, and DiskWaits says so. Some room is
// kept for them: where a disk is merely full, only the manager's side fails.
//
// A mark is a few bytes that lie in a place of their own, outside of the database and its log. A synced batch
// may bring one: it is durable after the batch, and before DiskDone. So a database that has lost its tail, or
// was exchanged for another, does not fit its mark (node/promise.hpp).
//
// What a disk keeps is sealed with keys that lie beside the node's own key. A certificates batch may bring a
// lock: from then on those keys are sealed with it in their turn. A disk that was locked is *locked* when its
// daemon starts: nothing can be read but `format`, the certificates (not their key), `mark()` and `locked()`,
// and nothing written but by `wipe_all()`, until `unlock` was given the lock's key.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace swarm::ports {

enum class Family : std::uint8_t {
  format,        // format version, feature level
  identity,      // who this node is, its managers
  agent,         // task id -> assignment and last status
  raft_log,      // index (big-endian) -> entry
  raft_state,    // hard state, membership, snapshot metadata
  objects,       // kind, id -> object; "applied" -> index and term
  certificates,  // name of a file -> PEM: the node's certificate and key, the swarm's root
};
inline constexpr Family kManagerFamilies[] = {Family::raft_log, Family::raft_state, Family::objects};
inline bool is_manager_family(Family family) {
  return family >= Family::raft_log && family <= Family::objects;
}
enum class DiskSide : std::uint8_t { node, manager, certificates };
inline DiskSide side_of(Family family) {
  if (family == Family::certificates) return DiskSide::certificates;
  return is_manager_family(family) ? DiskSide::manager : DiskSide::node;
}

struct DiskOp {
  enum class Type : std::uint8_t { put, erase, erase_range };  // erase_range: keys in [key, value)
  Type type = Type::put;
  Family family = Family::identity;
  std::string key;
  std::string value;
};

// What seals the keys of a disk. `number` says which of two is newer (model::Cluster).
struct DiskLock {
  std::uint64_t number = 0;
  std::string key;  // 32 bytes; empty: they lie in the clear
  bool operator==(const DiskLock&) const = default;
};

struct DiskBatch {
  std::vector<DiskOp> ops;
  bool sync = false;  // durable before DiskDone; otherwise DiskDone says that the order is fixed
  std::string mark;   // of a manager's synced batch: takes the place of the mark before it; empty: none
  std::optional<DiskLock> lock;  // of a certificates batch: takes the place of the lock before it
  void put(Family family, std::string key, std::string value) {
    ops.push_back({DiskOp::Type::put, family, std::move(key), std::move(value)});
  }
  void erase(Family family, std::string key) {
    ops.push_back({DiskOp::Type::erase, family, std::move(key), {}});
  }
  void erase_range(Family family, std::string from, std::string to) {
    ops.push_back({DiskOp::Type::erase_range, family, std::move(from), std::move(to)});
  }
  bool empty() const { return ops.empty(); }
};

// Why a manager's families cannot be used now.
struct Unusable {
  enum class Because : std::uint8_t {
    failing,  // the device refuses, or has no room: another attempt may do better
    damaged,  // what it gives is not what was written
  };
  Because because = Because::failing;
  std::string why;
};

class Disk {
 public:
  virtual ~Disk() = default;
  // Answered by event DiskDone{token}, in the order of the commits of one side; or by DiskFailed{token}.
  virtual void commit(DiskBatch batch, std::uint64_t token) = 0;
  // In key order, from `from`; stops when `visit` returns false. Only at start and after `wipe_manager`.
  virtual void scan(Family family, std::string_view from,
                    const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;
  virtual std::optional<std::string> get(Family family, std::string_view key) = 0;
  // Returns the mark of the last durable batch that had one; empty without one, and where it cannot be read.
  virtual std::string mark() = 0;
  // Nothing where the manager families can be used. What they hold may be read only then.
  virtual std::optional<Unusable> unusable() = 0;
  // Opens the manager's side again. Answered by event DiskReopened.
  virtual void reopen() = 0;
  // Is there any manager state on this disk? (Decides what a restarted node is.)
  virtual bool has_manager_state() = 0;
  // Returns true from the start of a daemon whose disk has a lock with a key, until that key was given.
  virtual bool locked() = 0;
  // Returns false if `key` is not the lock's, and an Error if what it opens cannot be read: the disk stays
  // locked.
  virtual Result<bool> unlock(std::string_view key) = 0;
  // Returns the lock of the last certificates batch that brought one. Not while the disk is locked.
  virtual DiskLock lock() = 0;
  // Forgets all manager families and the mark, durably: the node was demoted or has left.
  virtual void wipe_manager() = 0;
  // Forgets everything but the format, and the lock: the node has left the swarm.
  virtual void wipe_all() = 0;
};

}  // namespace swarm::ports
