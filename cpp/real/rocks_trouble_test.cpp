// A data root on a device that fails: the calls of the C library by which RocksDB and this room write fail
// when a test says so. (The real thing, a small file system that is full: tests/python/test_disk_full.py.)
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "ports/disk.hpp"
#include "ports/disk_conformance.hpp"
#include "real/rocks_disk.hpp"

namespace {

std::atomic<int> write_error{0}, sync_error{0};

long answer(const std::atomic<int>& error, long result) {
  if (error == 0) return result;
  errno = error;
  return -1;
}

}  // namespace

// In place of the C library's, for all of this program. What is written to a descriptor below 3 passes.
extern "C" {
ssize_t write(int fd, const void* bytes, std::size_t count) {
  if (fd > 2 && write_error != 0) return answer(write_error, 0);
  return ::syscall(SYS_write, fd, bytes, count);
}
int fdatasync(int fd) {
  return static_cast<int>(sync_error != 0 ? answer(sync_error, 0) : ::syscall(SYS_fdatasync, fd));
}
int fsync(int fd) {
  return static_cast<int>(sync_error != 0 ? answer(sync_error, 0) : ::syscall(SYS_fsync, fd));
}
}

namespace swarm::real {
namespace {

namespace fs = std::filesystem;
using ports::DiskBatch;
using ports::Family;

class Trouble : public testing::Test {
 protected:
  Trouble() {
    char name[] = "/tmp/trouble_test_XXXXXX";
    path_ = ::mkdtemp(name);
    open();
  }
  ~Trouble() override {
    write_error = sync_error = 0;
    disk_.reset();
    fs::remove_all(path_);
  }
  void open() {
    disk_.reset();
    RocksDisk::Callbacks callbacks;
    callbacks.done = [this](std::uint64_t token) { say("done " + std::to_string(token)); };
    callbacks.failed = [this](std::uint64_t token, const std::string& why) {
      {
        const std::lock_guard guard(mutex_);
        why_ = why;
      }
      say("failed " + std::to_string(token));
    };
    callbacks.reopened = [this](const std::string& why) { say(why.empty() ? "reopened" : "not reopened"); };
    callbacks.waits = [this](const std::string& why) { say(why.empty() ? "waits no more" : "waits"); };
    auto opened = RocksDisk::open(path_, std::move(callbacks));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    disk_ = std::move(*opened);
  }
  void commit(Family family, const std::string& key, std::string mark = {}) {
    DiskBatch batch;
    batch.put(family, key, "1");
    batch.sync = true;
    batch.mark = std::move(mark);
    disk_->commit(std::move(batch), ++token_);
  }
  void say(std::string what) {
    const std::lock_guard guard(mutex_);
    said_.insert(std::move(what));
    came_.notify_all();
  }
  void await(const std::string& what) {
    std::unique_lock guard(mutex_);
    came_.wait(guard, [&] { return said_.contains(what); });
    said_.erase(what);
  }
  bool said(const std::string& what) {
    const std::lock_guard guard(mutex_);
    return said_.contains(what);
  }
  void reopen() {
    disk_->reopen();
    await("reopened");
  }
  std::string log() const { return ports::conformance::keys_of(*disk_, Family::raft_log); }
  // Of the database's directory: another one, if it was written anew.
  ino_t number() const {
    struct stat found {};
    return ::stat((path_ + "/raft").c_str(), &found) == 0 ? found.st_ino : 0;
  }

  std::string path_, why_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::set<std::string> said_;
  std::uint64_t token_ = 0;
  std::unique_ptr<RocksDisk> disk_;
};

TEST_F(Trouble, AFullDeviceFailsAManagersBatchesUntilItIsOpenedAgain) {
  commit(Family::raft_log, "a", "mark 1");
  await("done 1");
  write_error = ENOSPC;
  commit(Family::raft_log, "b", "mark 2");
  await("failed 2");
  EXPECT_NE(why_.find("No space left on device"), std::string::npos) << why_;
  ASSERT_TRUE(disk_->unusable().has_value());
  EXPECT_EQ(disk_->unusable()->because, ports::Unusable::Because::failing);
  EXPECT_TRUE(disk_->has_manager_state());
  disk_->reopen();
  await("not reopened");
  write_error = 0;
  commit(Family::raft_log, "c");
  await("failed 3");
  reopen();
  EXPECT_EQ(log(), "a=1 ");
  EXPECT_EQ(disk_->mark(), "mark 1");
  commit(Family::raft_log, "d", "mark 2");
  await("done 4");
  open();
  EXPECT_EQ(log(), "a=1 d=1 ");
  EXPECT_EQ(disk_->mark(), "mark 2");
}

// The kernel has dropped the pages, or marked them as clean: a later sync says nothing of them (the failed
// fsync of PostgreSQL, 2018). So what can be read is written to new files, and synced there.
TEST_F(Trouble, WhatAFailedSyncHasLeftIsWrittenToNewFiles) {
  commit(Family::raft_log, "a", "mark 1");
  await("done 1");
  const ino_t before = number();
  sync_error = EIO;
  commit(Family::raft_log, "b", "mark 2");
  await("failed 2");
  disk_->reopen();
  await("not reopened");
  sync_error = 0;
  reopen();
  EXPECT_NE(number(), before) << "the old files are used on";
  EXPECT_TRUE(log() == "a=1 " || log() == "a=1 b=1 ") << log();
  EXPECT_EQ(disk_->mark(), "mark 1") << "nothing was said of the second";
  commit(Family::raft_log, "c", "mark 2");
  await("done 3");
  open();
  EXPECT_FALSE(disk_->unusable().has_value());
  EXPECT_NE(log().find("a=1 "), std::string::npos);
  EXPECT_NE(log().find("c=1 "), std::string::npos);
  EXPECT_EQ(disk_->mark(), "mark 2");
}

TEST_F(Trouble, NothingIsCopiedWhereTheDeviceMerelyHadNoRoom) {
  commit(Family::raft_log, "a", "mark 1");
  await("done 1");
  const ino_t before = number();
  write_error = ENOSPC;
  commit(Family::raft_log, "b");
  await("failed 2");
  write_error = 0;
  reopen();
  EXPECT_EQ(number(), before);
}

TEST_F(Trouble, TheNodesOwnBatchesWaitAndTheManagersPartEnds) {
  commit(Family::agent, "a");
  commit(Family::raft_log, "a");
  await("done 2");
  sync_error = EIO;
  commit(Family::agent, "b");
  commit(Family::certificates, "c.crt");
  await("waits");
  commit(Family::raft_log, "b");
  await("failed 5");
  EXPECT_FALSE(said("done 3"));
  disk_->reopen();
  await("not reopened");
  sync_error = 0;
  await("done 3");
  await("done 4");
  await("waits no more");
  reopen();
  open();
  EXPECT_EQ(ports::conformance::keys_of(*disk_, Family::agent), "a=1 b=1 ");
  EXPECT_EQ(ports::conformance::keys_of(*disk_, Family::certificates), "c.crt=1 ");
  EXPECT_EQ(log(), "a=1 ");
}

// Of the room that was kept: a megabyte is given back, and taken again.
TEST_F(Trouble, TheReserveIsGivenBackAndTakenAgain) {
  const std::string reserve = path_ + "/reserve";
  EXPECT_EQ(fs::file_size(reserve), 1u << 20);
  write_error = ENOSPC;
  commit(Family::raft_log, "a");
  await("failed 1");
  EXPECT_FALSE(fs::exists(reserve));
  write_error = 0;
  reopen();
  EXPECT_EQ(fs::file_size(reserve), 1u << 20);
}

TEST_F(Trouble, AWipeThatFailedIsMadeUpForWhenItIsOpenedAgain) {
  commit(Family::raft_log, "a", "mark");
  await("done 1");
  sync_error = EIO;
  disk_->wipe_manager();
  commit(Family::raft_log, "b");
  await("failed 2");
  sync_error = 0;
  reopen();
  EXPECT_EQ(log(), "");
  EXPECT_EQ(disk_->mark(), "");
  EXPECT_FALSE(disk_->has_manager_state());
}

}  // namespace
}  // namespace swarm::real
