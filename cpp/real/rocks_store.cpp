#include "real/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "real/files.hpp"

namespace swarm::real {
namespace {

using ports::Family;

const char* name_of(Family family) {
  switch (family) {
    case Family::raft_log:
      return "raft_log";
    case Family::raft_state:
      return "raft_state";
    case Family::objects:
      return "objects";
    case Family::format:
    case Family::identity:
    case Family::agent:
    case Family::certificates:
      break;
  }
  return "default";
}

rocksdb::DBOptions db_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = false;  // see make(): a database that lost its CURRENT is not an empty one
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;  // a log that is missing is noticed
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_total_wal_size = 64 << 20;
  return options;
}

rocksdb::ColumnFamilyOptions family_options() {
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kLZ4Compression;  // RocksDB's default may not be in the library
  options.bottommost_compression = rocksdb::kLZ4Compression;
  options.write_buffer_size = 16 << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(8 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families() {
  std::vector<rocksdb::ColumnFamilyDescriptor> out{{rocksdb::kDefaultColumnFamilyName, family_options()}};
  for (const Family family : ports::kManagerFamilies) out.emplace_back(name_of(family), family_options());
  return out;
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Error RocksStore::corrupt(const rocksdb::Status& status) const {
  if (status.IsIOError() || status.IsNoSpace())
    return plain_error(Code::data_loss, directory_ + " cannot be used: " + status.ToString());
  return plain_error(Code::data_loss,
                     directory_ + " is corrupt: " + status.ToString() +
                         "; restore the data root from a copy, or start with an empty one and join again");
}

rocksdb::DBOptions RocksStore::options() const {
  rocksdb::DBOptions out = db_options();
  if (env_ != nullptr) out.env = env_;
  return out;
}

Result<RocksStore> RocksStore::open(const std::string& directory, rocksdb::Env* env) {
  RocksStore store(directory, env);
  std::error_code ignored;
  std::filesystem::remove_all(directory + ".new", ignored);  // a crash while making or wiping
  std::filesystem::remove_all(directory + ".old", ignored);
  if (exists(directory))
    if (auto opened = store.open_existing(); !opened) return opened.error();
  return store;
}

RocksStore::~RocksStore() { close(); }

void RocksStore::close() {
  if (!db_) return;
  for (const auto& [_, handle] : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->DestroyColumnFamilyHandle(default_);
  handles_.clear();
  db_->Close();
  db_.reset();
}

// RocksDB does not miss the log that it wrote last; a database in use always has one.
bool RocksStore::has_log() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (entry.path().extension() == ".log") return true;
  return false;
}

Result<void> RocksStore::open_existing() {
  if (!has_log()) return corrupt(rocksdb::Status::Corruption("its write-ahead log is missing"));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options(), directory_, families(), &handles, &db);
  if (!status.ok()) return corrupt(status);
  db_.reset(db);
  default_ = handles[0];
  std::size_t next = 1;
  for (const Family family : ports::kManagerFamilies) handles_[family] = handles[next++];
  return {};
}

// Made beside and renamed, so that a directory of this name is always a whole database.
Result<void> RocksStore::make() {
  const std::string beside = directory_ + ".new";
  rocksdb::DBOptions creating = options();
  creating.create_if_missing = true;
  creating.create_missing_column_families = true;
  {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    const auto status = rocksdb::DB::Open(creating, beside, families(), &handles, &raw);
    if (!status.ok()) return corrupt(status);
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    if (const auto closed = db->Close(); !closed.ok()) return corrupt(closed);
  }
  if (auto synced = sync_directory(beside); !synced) return synced;
  if (std::rename(beside.c_str(), directory_.c_str()) != 0) return file_error(directory_, "cannot be made");
  if (auto synced = sync_directory(std::filesystem::path(directory_).parent_path()); !synced) return synced;
  return open_existing();
}

Result<void> RocksStore::write(const std::vector<ports::DiskOp>& ops, bool sync) {
  if (!db_)
    if (auto made = make(); !made) return made;
  rocksdb::WriteBatch batch;
  for (const ports::DiskOp& op : ops) {
    auto* family = handle(op.family);
    switch (op.type) {
      case ports::DiskOp::Type::put:
        batch.Put(family, op.key, op.value);
        break;
      case ports::DiskOp::Type::erase:
        batch.Delete(family, op.key);
        break;
      case ports::DiskOp::Type::erase_range:
        if (op.key < op.value) batch.DeleteRange(family, op.key, op.value);
        break;
    }
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  const auto status = db_->Write(options, &batch);
  return status.ok() ? Result<void>() : corrupt(status);
}

Result<void> RocksStore::sync() {
  const auto status = db_ ? db_->SyncWAL() : rocksdb::Status::OK();
  return status.ok() ? Result<void>() : corrupt(status);
}

Result<void> RocksStore::scan(Family family, std::string_view from,
                              const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (!db_) return {};
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), handle(family)));
  for (it->Seek(slice(from)); it->Valid(); it->Next())
    if (!visit(it->key().ToStringView(), it->value().ToStringView())) break;
  return it->status().ok() ? Result<void>() : corrupt(it->status());
}

Result<std::optional<std::string>> RocksStore::get(Family family, std::string_view key) const {
  if (!db_) return std::optional<std::string>();
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), handle(family), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return corrupt(status);
  return std::optional<std::string>(std::move(value));
}

Result<bool> RocksStore::holds_anything() const {
  for (const Family family : ports::kManagerFamilies) {
    bool found = false;
    const auto scanned = scan(family, "", [&](std::string_view, std::string_view) {
      found = true;
      return false;
    });
    if (!scanned) return scanned.error();
    if (found) return true;
  }
  return false;
}

Result<void> RocksStore::wipe() {
  close();
  if (!exists(directory_)) return {};
  const std::string old = directory_ + ".old";
  std::error_code ignored;
  std::filesystem::remove_all(old, ignored);
  if (std::rename(directory_.c_str(), old.c_str()) != 0) return file_error(directory_, "cannot be removed");
  if (auto synced = sync_directory(std::filesystem::path(directory_).parent_path()); !synced) return synced;
  std::filesystem::remove_all(old, ignored);
  return {};
}

}  // namespace swarm::real
