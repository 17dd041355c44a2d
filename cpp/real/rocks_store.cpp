#include "real/rocks_store.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/files.hpp"
#include "real/rocks_files.hpp"

namespace swarm::real {
namespace {

using ports::Family;

// What is sealed again between two batches, and what a look at a record counts for: some milliseconds.
constexpr std::size_t kSealAtOnce = 2 << 20;
constexpr std::size_t kRecordCost = 256;

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

// RocksDB's own log would be on the disk that may be full, and some builds abort when it cannot be written.
// What goes wrong is said by this daemon.
class NoLog final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions db_options(const RocksFiles& files) {
  rocksdb::DBOptions options;
  options.env = files.env();
  options.info_log = std::make_shared<NoLog>();
  options.create_if_missing = false;  // see make(): a database that lost its CURRENT is not an empty one
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;  // a log that is missing is noticed
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_total_wal_size = 64 << 20;
  return options;
}

rocksdb::ColumnFamilyOptions family_options() {
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kNoCompression;  // what is sealed cannot be made smaller
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

// The device's word: another attempt may do better.
Error refusing(Error error) {
  error.code = Code::unavailable;
  return error;
}

Error device_error(const std::string& path, std::string_view what) {
  return refusing(file_error(path, what));
}

Result<void> sync_parent(const std::string& directory) {
  auto synced = sync_directory(std::filesystem::path(directory).parent_path());
  return synced ? synced : refusing(synced.error());
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// A database under construction: it is of use only once all of it is written and closed.
struct Fresh {
  explicit Fresh(rocksdb::Env* env) : files(env) {}
  RocksFiles files;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  ~Fresh() { static_cast<void>(close()); }
  rocksdb::Status open(const std::string& directory) {
    rocksdb::DBOptions options = db_options(files);
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    rocksdb::DB* raw = nullptr;
    const auto status = rocksdb::DB::Open(options, directory, families(), &handles, &raw);
    db.reset(raw);
    return status;
  }
  rocksdb::Status close() {
    if (!db) return rocksdb::Status::OK();
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    const auto closed = db->Close();
    db.reset();
    return closed;
  }
};

constexpr std::size_t kPiece = 1 << 20;  // of a copy, in one write

rocksdb::Status copy_family(rocksdb::DB& from, rocksdb::ColumnFamilyHandle* family, rocksdb::DB& to,
                            rocksdb::ColumnFamilyHandle* its_copy) {
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;  // the flush at the end makes it durable
  rocksdb::WriteBatch piece;
  const std::unique_ptr<rocksdb::Iterator> it(from.NewIterator(rocksdb::ReadOptions(), family));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (auto put = piece.Put(its_copy, it->key(), it->value()); !put.ok()) return put;
    if (piece.GetDataSize() < kPiece) continue;
    if (auto written = to.Write(unlogged, &piece); !written.ok()) return written;
    piece.Clear();
  }
  if (!it->status().ok()) return it->status();
  if (auto written = to.Write(unlogged, &piece); !written.ok()) return written;
  return to.Flush(rocksdb::FlushOptions(), its_copy);
}

}  // namespace

// A file that is not there is damage: another attempt finds no more.
Error RocksStore::corrupt(const rocksdb::Status& status) const {
  if ((status.IsIOError() && !status.IsPathNotFound()) || status.IsNoSpace())
    return plain_error(Code::unavailable, directory_ + " cannot be used: " + status.ToString());
  return plain_error(Code::data_loss, directory_ + " is corrupt: " + status.ToString());
}

Error RocksStore::not_opened(const Error& why) const {
  return plain_error(Code::data_loss, directory_ + ": " + why.message);
}

// By the device's own word. Where it had no room for a write, and no sync was refused, nothing is lost.
Error RocksStore::refused() {
  const std::string why = files_->why();
  const bool had_no_room = !files_->lost_a_sync() && why.find("No space left on device") != std::string::npos;
  may_lack_ = may_lack_ || !had_no_room;
  return plain_error(Code::unavailable, directory_ + " cannot be used: " + why);
}

// A crash may have come while one was made, wiped or rewritten.
Result<void> RocksStore::open() {
  std::error_code ignored;
  if (!exists(directory_) && exists(directory_ + ".past"))
    if (std::rename((directory_ + ".past").c_str(), directory_.c_str()) != 0)
      return device_error(directory_, "cannot be given its name");
  for (const char* left : {".new", ".old", ".past"}) std::filesystem::remove_all(directory_ + left, ignored);
  return exists(directory_) ? open_existing() : Result<void>();
}

RocksStore::~RocksStore() { close(); }

void RocksStore::close() {
  if (!db_) return;
  for (const auto& [_, handle] : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->DestroyColumnFamilyHandle(default_);
  handles_.clear();
  db_->Close();
  db_.reset();
  files_.reset();
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
  files_ = std::make_unique<RocksFiles>(env_);
  const auto status = rocksdb::DB::Open(db_options(*files_), directory_, families(), &handles, &db);
  if (!status.ok()) return files_->stopped() ? refused() : corrupt(status);
  db_.reset(db);
  default_ = handles[0];
  std::size_t next = 1;
  for (const Family family : ports::kManagerFamilies) handles_[family] = handles[next++];
  return files_->stopped() ? Result<void>(refused()) : Result<void>();
}

// Made beside and renamed, so that a directory of this name is always a whole database.
Result<void> RocksStore::make() {
  const std::string beside = directory_ + ".new";
  if (auto copied = copy_to(beside); !copied) return copied;
  if (std::rename(beside.c_str(), directory_.c_str()) != 0) return device_error(directory_, "cannot be made");
  if (auto synced = sync_parent(directory_); !synced) return synced;
  return open_existing();
}

// What this one holds, which may be nothing, as a new database: durable when it returns.
Result<void> RocksStore::copy_to(const std::string& directory) const {
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  Fresh fresh(env_);
  auto status = fresh.open(directory);
  std::size_t next = 1;
  for (const Family family : ports::kManagerFamilies)
    if (status.ok() && db_) status = copy_family(*db_, handle(family), *fresh.db, fresh.handles[next++]);
  if (status.ok()) status = fresh.close();
  if (fresh.files.stopped())
    return plain_error(Code::unavailable, directory + " cannot be written: " + fresh.files.why());
  if (!status.ok()) return corrupt(status);
  auto synced = sync_directory(directory);
  return synced ? synced : refusing(synced.error());
}

Result<void> RocksStore::rewrite() {
  if (!db_) return {};
  const std::string beside = directory_ + ".new", past = directory_ + ".past";
  if (auto copied = copy_to(beside); !copied) return copied;
  close();
  if (std::rename(directory_.c_str(), past.c_str()) != 0 ||
      std::rename(beside.c_str(), directory_.c_str()) != 0)
    return device_error(directory_, "cannot be replaced");
  if (auto synced = sync_parent(directory_); !synced) return synced;
  std::error_code ignored;
  std::filesystem::remove_all(past, ignored);
  if (auto opened = open_existing(); !opened) return opened;
  may_lack_ = false;
  return {};
}

Result<void> RocksStore::write(const std::vector<ports::DiskOp>& ops, bool sync) {
  if (!db_)
    if (auto made = make(); !made) return made;
  rocksdb::WriteBatch batch;
  for (const ports::DiskOp& op : ops) {
    auto* family = handle(op.family);
    switch (op.type) {
      case ports::DiskOp::Type::put:
        batch.Put(family, op.key, sealer_->seal(op.family, op.key, op.value));
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
  if (files_->stopped()) return refused();
  return status.ok() ? Result<void>() : corrupt(status);
}

Result<void> RocksStore::sync() {
  if (!db_) return {};
  const auto status = db_->SyncWAL();
  if (files_->stopped()) return refused();
  return status.ok() ? Result<void>() : corrupt(status);
}

Result<void> RocksStore::scan_sealed(
    Family family, std::string_view from,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (!db_) return {};
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), handle(family)));
  for (it->Seek(slice(from)); it->Valid(); it->Next())
    if (!visit(it->key().ToStringView(), it->value().ToStringView())) break;
  return it->status().ok() ? Result<void>() : corrupt(it->status());
}

Result<void> RocksStore::scan(Family family, std::string_view from,
                              const std::function<bool(std::string_view, std::string_view)>& visit) const {
  Result<void> result;
  const auto scanned = scan_sealed(family, from, [&](std::string_view key, std::string_view stored) {
    const auto value = sealer_->open(family, key, stored);
    if (!value) result = not_opened(value.error());
    return value && visit(key, *value);
  });
  return scanned ? result : scanned;
}

Result<std::optional<std::string>> RocksStore::get(Family family, std::string_view key) const {
  if (!db_) return std::optional<std::string>();
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), handle(family), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return corrupt(status);
  auto opened = sealer_->open(family, key, value);
  if (!opened) return not_opened(opened.error());
  return std::optional<std::string>(std::move(*opened));
}

// Some of a family's records that a former key has sealed, or none, from `from` on; `from` becomes the key
// after them, or empty at the family's end.
Result<std::vector<ports::DiskOp>> RocksStore::old_records(Family family, std::string& from) const {
  std::vector<ports::DiskOp> old;
  std::size_t seen = 0;
  Result<void> opened;
  std::string next;
  const auto scanned = scan_sealed(family, from, [&](std::string_view key, std::string_view stored) {
    if (seen >= kSealAtOnce) next = key;
    if (seen >= kSealAtOnce || !opened) return false;
    seen += kRecordCost + stored.size();
    if (sealer_->is_current(stored)) return true;
    auto value = sealer_->open(family, key, stored);
    if (!value) opened = not_opened(value.error());
    if (value) old.push_back({ports::DiskOp::Type::put, family, std::string(key), std::move(*value)});
    return true;
  });
  if (!scanned) return scanned.error();
  if (!opened) return opened.error();
  from = std::move(next);
  return old;
}

// Not durable before the next sync: until then, both keys open what is there.
Result<bool> RocksStore::seal_again(Place& at) {
  if (!db_ || at.family == std::size(ports::kManagerFamilies)) return true;
  const auto old = old_records(ports::kManagerFamilies[at.family], at.key);
  if (!old) return old.error();
  if (at.key.empty()) ++at.family;
  if (auto written = write(*old, false); !written) return written.error();
  return at.family == std::size(ports::kManagerFamilies);
}

Result<bool> RocksStore::holds_anything() const {
  if (!db_) return exists(directory_);
  for (const Family family : ports::kManagerFamilies) {
    bool found = false;
    const auto scanned = scan_sealed(family, "", [&](std::string_view, std::string_view) {
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
  may_lack_ = false;
  if (!exists(directory_)) return {};
  const std::string old = directory_ + ".old";
  std::error_code ignored;
  std::filesystem::remove_all(old, ignored);
  if (std::rename(directory_.c_str(), old.c_str()) != 0) return device_error(directory_, "cannot be removed");
  if (auto synced = sync_parent(directory_); !synced) return synced;
  std::filesystem::remove_all(old, ignored);
  return {};
}

}  // namespace swarm::real
