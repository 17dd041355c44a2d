#include "crash_fs.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"

namespace swarm::tools {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus gone() { return IOStatus::IOError("the power is gone"); }

// Calls `act` unless the power is gone, or goes at this call.
template <class Act>
IOStatus unless_gone(Power& power, Act&& act) {
  return power.call() ? gone() : act();
}

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, std::shared_ptr<Power> power)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), power_(std::move(power)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      auto status = target()->Append(data, options, debug);
      if (status.ok()) power_->appended(path_, data.size());
      return status;
    });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      auto status = target()->Sync(options, debug);
      if (status.ok()) power_->synced(path_);
      return status;
    });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  // Advice to the real disk, and no promise.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }

 private:
  std::string path_;
  std::shared_ptr<Power> power_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> target, std::shared_ptr<Power> power)
      : target_(std::move(target)), power_(std::move(power)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      auto status = target_->Fsync(options, debug);
      if (status.ok()) power_->names_synced();
      return status;
    });
  }

 private:
  std::unique_ptr<rocksdb::FSDirectory> target_;
  std::shared_ptr<Power> power_;
};

class CrashFs final : public rocksdb::FileSystemWrapper {
 public:
  explicit CrashFs(std::shared_ptr<Power> power)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), power_(std::move(power)) {}
  const char* Name() const override { return "CrashFs"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      auto status = target()->NewWritableFile(path, options, file, debug);
      if (!status.ok()) return status;
      power_->created(path);
      *file = std::make_unique<File>(std::move(*file), path, power_);
      return status;
    });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) override {
    auto status = target()->NewDirectory(path, options, directory, debug);
    if (status.ok()) *directory = std::make_unique<Directory>(std::move(*directory), power_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      power_->renamed(from, to);
      return target()->RenameFile(from, to, options, debug);
    });
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return unless_gone(*power_, [&] {
      power_->deleted(path);
      return target()->DeleteFile(path, options, debug);
    });
  }

 private:
  std::shared_ptr<Power> power_;
};

// The host makes a database beside its place and renames it, past RocksDB.
std::string where_now(const std::string& path) {
  const auto beside = path.find(".new/");
  if (std::filesystem::exists(path) || beside == std::string::npos) return path;
  return path.substr(0, beside) + path.substr(beside + 4);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

bool Power::call() {
  const std::lock_guard guard(mutex_);
  ++calls_;
  gone_ = gone_ || (fails_at_ != 0 && calls_ >= fails_at_);
  return gone_;
}

bool Power::is_gone() {
  const std::lock_guard guard(mutex_);
  return gone_;
}

std::uint64_t Power::calls() {
  const std::lock_guard guard(mutex_);
  return calls_;
}

void Power::created(const std::string& path) {
  const std::lock_guard guard(mutex_);
  files_[path] = {};
  names_.push_back({path, {}, {}});
}

void Power::appended(const std::string& path, std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  files_[path].size += bytes;
}

void Power::synced(const std::string& path) {
  const std::lock_guard guard(mutex_);
  files_[path].synced = files_[path].size;
  names_.clear();
}

void Power::renamed(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  names_.push_back({to, from, std::filesystem::exists(to) ? std::optional(content_of(to)) : std::nullopt});
  files_[to] = files_[from];
  files_.erase(from);
}

// It may come back, which does no harm: RocksDB removes what it needs no more.
void Power::deleted(const std::string& path) {
  const std::lock_guard guard(mutex_);
  files_.erase(path);
  std::erase_if(names_, [&](const Name& name) { return name.made == path; });
}

void Power::names_synced() {
  const std::lock_guard guard(mutex_);
  names_.clear();
}

void Power::undo(const Name& name) {
  if (where_now(name.made) != name.made) return;  // moved with its directory, which the host has synced
  if (!name.moved_from.empty() && std::filesystem::exists(name.made))
    std::filesystem::rename(name.made, name.moved_from);
  if (name.replaced) {
    std::ofstream(name.made, std::ios::binary) << *name.replaced;
  } else {
    std::filesystem::remove(name.made);
  }
}

void Power::lose(Rng rng) {
  const std::lock_guard guard(mutex_);
  for (const auto& [path, file] : files_) {
    const std::string now = where_now(path);
    const std::uint64_t kept = file.synced + rng.below(file.size - file.synced + 1);
    if (std::filesystem::exists(now) && std::filesystem::file_size(now) > kept)
      std::filesystem::resize_file(now, kept);
  }
  for (std::uint64_t lost = rng.below(names_.size() + 1); lost > 0; --lost) {
    undo(names_.back());
    names_.pop_back();
  }
}

std::shared_ptr<rocksdb::FileSystem> crash_fs(std::shared_ptr<Power> power) {
  return std::make_shared<CrashFs>(std::move(power));
}

}  // namespace swarm::tools
