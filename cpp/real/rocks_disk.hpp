// RocksDisk: a node's data root. Small families in NodeLog, a manager's in RocksDB (directory "raft"), which
// is made by the first batch that touches it: a worker never has one. Certificates are files of their own
// (certificate_files).
//
// One thread of its own commits: it takes all that is queued, in order, joins neighbouring batches of one
// side into one write, syncs when one of them asked for it, and posts the completions to the reactor. Prefix
// rule: RocksDB's one log in recovery mode kTolerateCorruptedTailRecords (a torn end is cut off; damage
// before it is refused, where point-in-time recovery would silently forget what was acknowledged), and before
// a batch goes to one side, unsynced batches of the other side are made durable. What RocksDB itself does not
// miss (the end of its newest log, a whole directory of an earlier day) does not fit the mark, which lies in
// raft.mark (MarkFile) and is written after the batch.
//
// Where the device fails (ports/disk.hpp), the database is closed. Opened again it is written to new files,
// unless the device merely had no room; the node's log and the certificates are always written anew. On a
// full disk the reserve is given back to them first. A data root belongs to one daemon (LOCK) and names its
// format (FORMAT). The disk never begins anew over data that is there. NOT here: what keys and values mean.
//
// Values are sealed (Vault has the keys, Sealer seals). Records that the newest key has not sealed, of format
// 1 or of before a lock, are sealed again by the committing thread, some at a time while it has nothing else
// to do.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "ports/disk.hpp"

namespace rocksdb {
class Env;
}

namespace swarm::real {

inline constexpr int kDataRootFormat = 2;  // 1: nothing was sealed; it becomes 2 when it is opened

class RocksDisk final : public ports::Disk {
 public:
  // Called on the committing thread: the events of the port.
  struct Callbacks {
    std::function<void(std::uint64_t token)> done;
    std::function<void(std::uint64_t token, std::string why)> failed;
    std::function<void(std::string why)> reopened;
    std::function<void(std::string why)> waits;
  };
  // `env`: of the database; null for the machine's own. It outlives the disk.
  static Result<std::unique_ptr<RocksDisk>> open(const std::string& data_root, Callbacks callbacks,
                                                 rocksdb::Env* env = nullptr);
  ~RocksDisk() override;  // what is queued is committed first

  void commit(ports::DiskBatch batch, std::uint64_t token) override;
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override;
  std::optional<std::string> get(ports::Family family, std::string_view key) override;
  std::string mark() override;
  std::optional<ports::Unusable> unusable() override;
  void reopen() override;
  bool locked() override;
  Result<bool> unlock(std::string_view key) override;
  ports::DiskLock lock() override;
  bool has_manager_state() override;
  void wipe_manager() override;
  void wipe_all() override;

 private:
  struct Impl;
  explicit RocksDisk(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::real
