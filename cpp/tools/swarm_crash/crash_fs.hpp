// CrashFs: RocksDB's file system with a power failure in it, at the n-th call that changes anything. From
// then on all calls fail. `lose()` then makes the files what a power failure may leave of them: of each file
// what was synced and some of what was not. Names are as in a journal (ext4, xfs): those that were made or
// replaced before anything was synced are so; of the later ones the first few, by chance.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"

namespace swarm::tools {

// What is known of the files, shared by all that RocksDB has open; it has threads of its own.
class Power {
 public:
  explicit Power(std::uint64_t fails_at) : fails_at_(fails_at) {}  // 0: never

  // One more call. Returns true if the power is gone.
  bool call();
  bool is_gone();
  std::uint64_t calls();
  void created(const std::string& path);
  void appended(const std::string& path, std::uint64_t bytes);
  void synced(const std::string& path);
  void renamed(const std::string& from, const std::string& to);
  void deleted(const std::string& path);
  void names_synced();
  // After all is closed.
  void lose(Rng rng);

 private:
  struct File {
    std::uint64_t size = 0, synced = 0;
  };
  // A name that is not durable yet, and how it is undone.
  struct Name {
    std::string made, moved_from;
    std::optional<std::string> replaced;  // what was there
  };
  static void undo(const Name& name);

  std::mutex mutex_;
  std::uint64_t fails_at_, calls_ = 0;
  bool gone_ = false;
  std::map<std::string, File> files_;
  std::vector<Name> names_;
};

std::shared_ptr<rocksdb::FileSystem> crash_fs(std::shared_ptr<Power> power);

}  // namespace swarm::tools
