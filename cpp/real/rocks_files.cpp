#include "real/rocks_files.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace swarm::real {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using State = RocksFiles::State;

// What the database asks for once its files stand still: it is all done, and nothing happens.
class Nothing final : public rocksdb::FSWritableFile {
 public:
  using FSWritableFile::Append;
  IOStatus Append(const Slice&, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Truncate(std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
};

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<State> state)
      : FSWritableFileOwnerWrapper(std::move(file)), state_(std::move(state)) {}

  using FSWritableFileOwnerWrapper::Append;
  using FSWritableFileOwnerWrapper::PositionedAppend;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return act(false, [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return act(false, [&] { return target()->Append(data, options, info, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    return act(false, [&] { return target()->PositionedAppend(data, offset, options, debug); });
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return act(false, [&] { return target()->PositionedAppend(data, offset, options, info, debug); });
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return act(false, [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return act(false, [&] { return target()->Flush(options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return act(true, [&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return act(true, [&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    return act(true, [&] { return target()->RangeSync(offset, count, options, debug); });
  }
  void PrepareWrite(std::size_t offset, std::size_t count, const IOOptions& options,
                    IODebugContext* debug) override {
    if (!state_->stopped) target()->PrepareWrite(offset, count, options, debug);
  }
  // Always: its descriptor is given back. The kernel may report an earlier write's failure here.
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return state_->heard(target()->Close(options, debug), true);
  }

 private:
  template <class Act>
  IOStatus act(bool is_sync, Act&& does) {
    return state_->stopped ? IOStatus::OK() : state_->heard(does(), is_sync);
  }
  std::shared_ptr<State> state_;
};

class Folder final : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(std::unique_ptr<rocksdb::FSDirectory> folder, std::shared_ptr<State> state)
      : FSDirectoryWrapper(folder.get()), folder_(std::move(folder)), state_(std::move(state)) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return state_->stopped ? IOStatus::OK() : state_->heard(folder_->Fsync(options, debug), true);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return state_->stopped ? IOStatus::OK()
                           : state_->heard(folder_->FsyncWithDirOptions(options, debug, how), true);
  }

 private:
  std::unique_ptr<rocksdb::FSDirectory> folder_;
  std::shared_ptr<State> state_;
};

class Files final : public rocksdb::FileSystemWrapper {
 public:
  Files(const std::shared_ptr<rocksdb::FileSystem>& under, std::shared_ptr<State> state)
      : FileSystemWrapper(under), state_(std::move(state)) {}
  const char* Name() const override { return "swarmpy files that stand still"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return made(file, [&] { return target()->NewWritableFile(path, options, file, debug); });
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return made(file, [&] { return target()->ReopenWritableFile(path, options, file, debug); });
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& before, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return made(file, [&] { return target()->ReuseWritableFile(path, before, options, file, debug); });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* folder, IODebugContext* debug) override {
    IOStatus status = target()->NewDirectory(path, options, folder, debug);
    if (status.ok()) *folder = std::make_unique<Folder>(std::move(*folder), state_);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    return state_->stopped ? IOStatus::OK() : target()->DeleteFile(path, options, debug);
  }
  IOStatus Truncate(const std::string& path, std::size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    return act([&] { return target()->Truncate(path, size, options, debug); });
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return act([&] { return target()->RenameFile(from, to, options, debug); });
  }

 private:
  template <class Act>
  IOStatus act(Act&& does) {
    return state_->stopped ? IOStatus::OK() : state_->heard(does(), false);
  }
  template <class Make>
  IOStatus made(std::unique_ptr<rocksdb::FSWritableFile>* file, Make&& make) {
    IOStatus heard = act(make);
    if (state_->stopped) {
      *file = std::make_unique<Nothing>();
    } else if (heard.ok()) {
      *file = std::make_unique<File>(std::move(*file), state_);
    }
    return heard;
  }
  std::shared_ptr<State> state_;
};

// What says that there is nothing of that name, or no such call, is no failure of the device.
bool is_an_answer(const IOStatus& status) {
  return status.ok() || status.IsNotSupported() || status.IsNotFound() || status.IsPathNotFound();
}

}  // namespace

IOStatus RocksFiles::State::heard(IOStatus status, bool is_sync) {
  if (is_an_answer(status)) return status;
  const std::lock_guard guard(mutex);
  if (!stopped) why = status.ToString();
  if (is_sync) lost_a_sync = true;
  stopped = true;
  return IOStatus::OK();
}

RocksFiles::RocksFiles(rocksdb::Env* base)
    : env_(rocksdb::NewCompositeEnv(std::make_shared<Files>(
          base != nullptr ? base->GetFileSystem() : rocksdb::FileSystem::Default(), state_))) {}
RocksFiles::~RocksFiles() = default;

std::string RocksFiles::why() const {
  const std::lock_guard guard(state_->mutex);
  return state_->why;
}

}  // namespace swarm::real
