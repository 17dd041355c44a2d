// RocksStore: the manager families in RocksDB, made and opened on demand. It has no threads and no locks:
// RocksDisk has them.
#pragma once

#include <rocksdb/db.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ports/disk.hpp"

namespace swarm::real {

class RocksStore {
 public:
  // Opens the database if there is one. `env`: null for the machine's own.
  static Result<RocksStore> open(const std::string& directory, rocksdb::Env* env = nullptr);
  RocksStore(RocksStore&&) noexcept = default;
  ~RocksStore();

  bool is_open() const { return db_ != nullptr; }
  Result<void> write(const std::vector<ports::DiskOp>& ops, bool sync);
  Result<void> sync();
  Result<void> scan(ports::Family family, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const;
  Result<std::optional<std::string>> get(ports::Family family, std::string_view key) const;
  Result<bool> holds_anything() const;
  // Removes it, durably.
  Result<void> wipe();

 private:
  RocksStore(std::string directory, rocksdb::Env* env) : directory_(std::move(directory)), env_(env) {}
  rocksdb::DBOptions options() const;
  Result<void> make();
  Result<void> open_existing();
  bool has_log() const;
  void close();
  Error corrupt(const rocksdb::Status& status) const;
  rocksdb::ColumnFamilyHandle* handle(ports::Family family) const { return handles_.at(family); }

  std::string directory_;
  rocksdb::Env* env_ = nullptr;
  std::unique_ptr<rocksdb::DB> db_;
  std::map<ports::Family, rocksdb::ColumnFamilyHandle*> handles_;
  rocksdb::ColumnFamilyHandle* default_ = nullptr;
};

}  // namespace swarm::real
