// RocksFiles: the files of one opened database, which stand still with the first write or sync that the
// device refuses. From then on nothing of this opening reaches the device any more, as after a crash at that
// moment, and RocksDB does not learn of it: its owner asks `stopped` after each write, closes it, and opens
// it again.
//
// Why not by RocksDB's own errors: a database that has met one goes on with what it has in memory, its status
// does not tell a write from a sync, and some builds abort when it is closed. Thread-safe.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace swarm::real {

class RocksFiles {
 public:
  // On the files of `base`; null for the machine's own.
  explicit RocksFiles(rocksdb::Env* base);
  ~RocksFiles();
  rocksdb::Env* env() const { return env_.get(); }  // of one database
  bool stopped() const { return state_->stopped; }
  std::string why() const;
  // Returns true if it was a sync that failed: what was written before it may not be on the device.
  bool lost_a_sync() const { return state_->lost_a_sync; }

  struct State {
    std::atomic<bool> stopped{false}, lost_a_sync{false};
    std::mutex mutex;
    std::string why;
    // Returns what RocksDB is to hear.
    rocksdb::IOStatus heard(rocksdb::IOStatus status, bool is_sync);
  };

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace swarm::real
