// RocksStore: the manager families in RocksDB, made and opened on demand; values are sealed, keys are not. It
// has no threads and no locks: RocksDisk has them.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/rocks_files.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real {

class RocksStore {
 public:
  // `env`: null for the machine's own.
  RocksStore(std::string directory, std::shared_ptr<seal::Sealer> sealer, rocksdb::Env* env = nullptr)
      : directory_(std::move(directory)), sealer_(std::move(sealer)), env_(env) {}
  RocksStore(RocksStore&&) noexcept = default;
  ~RocksStore();

  // Opens the database if there is one. An Error of code data_loss says that it is damaged, any other that
  // the device refuses.
  Result<void> open();
  void close();
  // Writes all that can be read to new files, which take the place of the old ones: what a sync that failed
  // has left behind can be read, and is not on the device for all that.
  Result<void> rewrite();
  // Returns true if something that was written may not be on the device, although it can be read.
  bool may_lack() const { return may_lack_; }

  Result<void> write(const std::vector<ports::DiskOp>& ops, bool sync);
  Result<void> sync();
  Result<void> scan(ports::Family family, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const;
  Result<std::optional<std::string>> get(ports::Family family, std::string_view key) const;
  Result<bool> holds_anything() const;  // what cannot be opened is something
  // Seals records that the newest key has not sealed: some of them, from `at` on, which it moves. Returns
  // true when `at` has come to the end.
  struct Place {
    std::size_t family = 0;  // of ports::kManagerFamilies
    std::string key;
  };
  Result<bool> seal_again(Place& at);
  // Removes it, durably.
  Result<void> wipe();

 private:
  Result<void> scan_sealed(ports::Family family, std::string_view from,
                           const std::function<bool(std::string_view, std::string_view)>& visit) const;
  Error not_opened(const Error& why) const;
  Result<std::vector<ports::DiskOp>> old_records(ports::Family family, std::string& from) const;
  Result<void> make();
  Result<void> copy_to(const std::string& directory) const;
  Result<void> open_existing();
  bool has_log() const;
  Error refused();
  Error corrupt(const rocksdb::Status& status) const;
  rocksdb::ColumnFamilyHandle* handle(ports::Family family) const { return handles_.at(family); }

  std::string directory_;
  std::shared_ptr<seal::Sealer> sealer_;
  rocksdb::Env* env_ = nullptr;
  std::unique_ptr<RocksFiles> files_;  // of the database that is open
  std::unique_ptr<rocksdb::DB> db_;
  std::map<ports::Family, rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
  bool may_lack_ = false;
};

}  // namespace swarm::real
