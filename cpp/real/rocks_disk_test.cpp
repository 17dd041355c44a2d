#include "real/rocks_disk.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "ports/disk_conformance.hpp"

namespace swarm::real {
namespace {

namespace fs = std::filesystem;
using ports::DiskBatch;
using ports::Family;

struct Folder {
  Folder() {
    char name[] = "/tmp/disk_test_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path); }
  std::string path;
};

class Harness {
 public:
  Harness() { open(); }
  ports::Disk& disk() { return *disk_; }
  void await(std::uint64_t token) {
    std::unique_lock guard(mutex_);
    came_.wait(guard, [&] { return !done_.empty() && done_.back() == token; });
  }
  std::vector<std::uint64_t> done() { return done_; }
  void reopen() {
    std::unique_lock guard(mutex_);
    reopened_ = false;
    disk_->reopen();
    came_.wait(guard, [&] { return reopened_; });
  }
  void crash() {
    disk_.reset();
    open();
  }

 private:
  void open() {
    RocksDisk::Callbacks callbacks;
    callbacks.done = [this](std::uint64_t token) {
      const std::lock_guard guard(mutex_);
      done_.push_back(token);
      came_.notify_all();
    };
    callbacks.failed = [](std::uint64_t, const std::string& why) { FAIL() << why; };
    callbacks.reopened = [this](const std::string& why) {
      EXPECT_EQ(why, "");
      const std::lock_guard guard(mutex_);
      reopened_ = true;
      came_.notify_all();
    };
    callbacks.waits = [](const std::string& why) { FAIL() << why; };
    auto opened = RocksDisk::open(folder_.path, std::move(callbacks));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    disk_ = std::move(*opened);
  }
  Folder folder_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::uint64_t> done_;
  bool reopened_ = false;
  std::unique_ptr<RocksDisk> disk_;
};

Result<std::unique_ptr<RocksDisk>> open_at(const std::string& path) {
  return RocksDisk::open(path, {[](std::uint64_t) {}, [](std::uint64_t, const std::string&) {},
                                [](const std::string&) {}, [](const std::string&) {}});
}

// Why the root is refused, or why its manager's side is damaged.
std::string refusal(const std::string& path) {
  auto opened = open_at(path);
  if (!opened) return opened.error().message;
  const auto unusable = (*opened)->unusable();
  if (!unusable) return "";
  EXPECT_EQ(unusable->because, ports::Unusable::Because::damaged) << unusable->why;
  EXPECT_EQ((*opened)->get(Family::agent, "a"), "1") << "the node's own side can be read";
  return unusable->why;
}

void flip_byte(const fs::path& file, std::int64_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const int byte = stream.get();
  stream.seekp(at);
  stream.put(static_cast<char>(byte ^ 0x5a));
}

// A root with a manager's and a node's state in it.
void fill(const std::string& path) {
  auto disk = open_at(path);
  ASSERT_TRUE(disk.ok());
  for (std::uint64_t i = 0; i < 50; ++i) {
    (*disk)->commit(ports::conformance::numbered(Family::objects, static_cast<int>(i % 20), true), i);
    (*disk)->commit(ports::conformance::numbered(Family::agent, static_cast<int>(i % 20), true), i);
  }
}

TEST(RocksDisk, KeepsTheContractOfThePort) {
  ports::conformance::run_all([] { return std::make_unique<Harness>(); });
}

TEST(RocksDisk, MakesNoDatabaseForAWorker) {
  const Folder folder;
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    (*disk)->commit(ports::conformance::numbered(Family::agent, 0, true), 1);
    EXPECT_FALSE((*disk)->has_manager_state());
  }
  EXPECT_FALSE(fs::exists(folder.path + "/raft"));
}

TEST(RocksDisk, BelongsToOneDaemon) {
  const Folder folder;
  auto first = open_at(folder.path);
  ASSERT_TRUE(first.ok());
  EXPECT_NE(
      refusal(folder.path).find("in use by another swarmd (process " + std::to_string(::getpid()) + ")"),
      std::string::npos);
}

TEST(RocksDisk, RefusesANewerFormat) {
  const Folder folder;
  ASSERT_EQ(refusal(folder.path), "");
  std::ofstream(folder.path + "/FORMAT") << "swarmpy data root, format 3\n";
  EXPECT_NE(refusal(folder.path).find("has format 3"), std::string::npos);
  std::ofstream(folder.path + "/FORMAT") << "?";
  EXPECT_NE(refusal(folder.path).find("FORMAT is corrupt"), std::string::npos);
  EXPECT_NE(refusal(folder.path).find("restore the file from a copy"), std::string::npos);
}

TEST(RocksDisk, RefusesADamagedRootOrItsManagersSideAndNamesTheFile) {
  const struct {
    const char* file;
    std::function<void(const fs::path&)> damage;
  } cases[] = {
      {"node.log", [](const fs::path& root) { flip_byte(root / "node.log", 100); }},
      {"node.log", [](const fs::path& root) { flip_byte(root / "node.log", 8); }},  // a record's length
      {"node.log", [](const fs::path& root) { fs::remove(root / "node.log"); }},
      {"FORMAT", [](const fs::path& root) { fs::remove(root / "FORMAT"); }},
      {"swarm-node.key",
       [](const fs::path& root) { fs::remove(root / "swarm/certificates/swarm-node.key"); }},
      {"swarm-node.key",
       [](const fs::path& root) { flip_byte(root / "swarm/certificates/swarm-node.key", 40); }},
      {"swarm-node.key: it is corrupt: it is empty; restore",
       [](const fs::path& root) { fs::resize_file(root / "swarm/certificates/swarm-node.key", 0); }},
      {"swarm-node.key: it is corrupt: a block has no end; restore",
       [](const fs::path& root) { fs::resize_file(root / "swarm/certificates/swarm-node.key", 60); }},
      {"/raft", [](const fs::path& root) { fs::remove(root / "raft/CURRENT"); }},
      {"/raft",
       [](const fs::path& root) {
         for (const auto& entry : fs::directory_iterator(root / "raft"))
           if (entry.path().extension() == ".log" && entry.file_size() > 0) flip_byte(entry.path(), 200);
       }},
      {"/raft",
       [](const fs::path& root) {
         for (const auto& entry : fs::directory_iterator(root / "raft"))
           if (entry.path().extension() == ".log") fs::remove(entry.path());
       }},
      {"/raft",
       [](const fs::path& root) {
         for (const auto& entry : fs::directory_iterator(root / "raft"))
           if (entry.path().filename().string().starts_with("MANIFEST")) flip_byte(entry.path(), 20);
       }},
  };
  int number = 0;
  for (const auto& one : cases) {
    SCOPED_TRACE(number++);
    const Folder folder;
    fill(folder.path);
    one.damage(folder.path);
    EXPECT_NE(refusal(folder.path).find(one.file), std::string::npos) << "was: " << refusal(folder.path);
  }
}

TEST(RocksDisk, CutsATornEndOff) {
  const Folder folder;
  fill(folder.path);
  fs::resize_file(folder.path + "/node.log", fs::file_size(folder.path + "/node.log") - 3);
  auto disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok()) << disk.error().message;
  EXPECT_EQ((*disk)->get(Family::agent, "a"), "1");
}

// kill -9 of a process that writes both sides; what it had said is durable is there, without holes.
// Intricate: the child that is killed and the look at what it left are one story.
// Long: the same.
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
TEST(RocksDisk, KeepsWhatItPromisedOverKillMinusNine) {
  for (int round = 0; round < 5; ++round) {
    const Folder folder;
    int promises[2];
    ASSERT_EQ(::pipe2(promises, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const int out = promises[1];
      auto disk =
          RocksDisk::open(folder.path, {[out](std::uint64_t token) {
                                          if (token % 3 == 0 && ::write(out, &token, sizeof token) < 0)
                                            ::_exit(1);
                                        },
                                        [](std::uint64_t, const std::string&) { ::_exit(2); },
                                        [](const std::string&) {}, [](const std::string&) { ::_exit(2); }});
      for (std::uint64_t i = 1;; ++i) {
        DiskBatch batch;
        std::string key;
        put_u64(key, i);
        batch.put(i % 2 == 0 ? Family::agent : Family::raft_log, key, std::string(100, 'x'));
        batch.sync = i % 3 == 0;
        (*disk)->commit(std::move(batch), i);
        if (i % 64 == 0) (*disk)->get(Family::agent, key);  // waits: do not run away from the disk
      }
    }
    ::close(promises[1]);
    std::uint64_t promised = 0;
    for (int i = 0; i < 40 + 17 * round; ++i)
      ASSERT_EQ(::read(promises[0], &promised, sizeof promised), static_cast<ssize_t>(sizeof promised));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (std::uint64_t last = 0; ::read(promises[0], &last, sizeof last) == sizeof last;) promised = last;
    ::close(promises[0]);
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok()) << disk.error().message;
    bool gone = false;
    for (std::uint64_t i = 1; i < promised + 200; ++i) {
      std::string key;
      put_u64(key, i);
      const bool here = (*disk)->get(i % 2 == 0 ? Family::agent : Family::raft_log, key).has_value();
      EXPECT_FALSE(here && gone) << "a hole before " << i;
      EXPECT_TRUE(here || i > promised) << i << " was promised";
      gone = gone || !here;
    }
  }
}

// ---- what is sealed

const std::string kSecret = "SWMTKN-1-secret-of-the-swarm";

DiskBatch secret_of(Family family) {
  DiskBatch batch;
  batch.sync = true;
  batch.put(family, "key", kSecret);
  return batch;
}

DiskBatch certificates(std::optional<ports::DiskLock> lock) {
  DiskBatch batch = secret_of(Family::certificates);
  batch.ops.back().key = "swarm-node.key";
  batch.put(Family::certificates, "swarm-node.crt", "a certificate");
  batch.lock = std::move(lock);
  return batch;
}

void fill_with_secrets(RocksDisk& disk, std::optional<ports::DiskLock> lock) {
  for (const Family family :
       {Family::identity, Family::agent, Family::objects, Family::raft_log, Family::raft_state})
    disk.commit(secret_of(family), 1);
  disk.commit(certificates(std::move(lock)), 1);
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string files_with(const std::string& path, const std::string& text) {
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    if (text_of(entry.path()).find(text) != std::string::npos)
      found += entry.path().filename().string() + " ";
  }
  return found;
}

std::string secrets_in(RocksDisk& disk) {
  std::string read;
  for (const Family family :
       {Family::identity, Family::agent, Family::objects, Family::raft_log, Family::raft_state})
    read += disk.get(family, "key") == kSecret ? "1" : "0";
  return read;
}

const std::string kUnlockKey(32, 'u');

// An editor's copy, a user's folder: they are no certificates, and a node that leaves leaves none of them.
TEST(RocksDisk, WhatOthersPutBesideTheCertificatesGoesWithThem) {
  const Folder folder;
  const fs::path certificates = folder.path + "/swarm/certificates";
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    fill_with_secrets(**disk, ports::DiskLock{3, kUnlockKey});
  }
  fs::copy(certificates / "swarm-node.key", certificates / "#swarm-node.key#");
  fs::create_directory(certificates / "old");
  auto disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok()) << disk.error().message;
  EXPECT_TRUE((*disk)->locked());
  EXPECT_EQ(ports::conformance::keys_of(**disk, Family::certificates), "swarm-node.crt=a certificate ");
  (*disk)->wipe_all();
  EXPECT_FALSE(fs::exists(certificates));
  EXPECT_FALSE((*disk)->locked());
}

TEST(RocksDisk, AWipeTakesAHalfWrittenFolderToo) {
  const Folder folder;
  auto disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok());
  fill_with_secrets(**disk, {});
  (*disk)->get(Family::identity, "key");  // all is written
  const fs::path beside = folder.path + "/swarm/certificates.new";
  fs::create_directory(beside);
  std::ofstream(beside / "swarm-node.crt") << "half a certif";
  (*disk)->wipe_all();
  EXPECT_FALSE(fs::exists(beside));
}

TEST(RocksDisk, OnlyTheKeyFileOfAnOpenRootTellsASecret) {
  const Folder folder;
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    fill_with_secrets(**disk, std::nullopt);
  }
  EXPECT_EQ(files_with(folder.path, kSecret), "swarm-node.key ");
  auto disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok());
  EXPECT_FALSE((*disk)->locked());
  EXPECT_EQ(secrets_in(**disk), "11111");
}

TEST(RocksDisk, ALockedRootTellsNothingBeforeItHasItsKey) {
  const Folder folder;
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    fill_with_secrets(**disk, ports::DiskLock{3, kUnlockKey});
  }
  EXPECT_EQ(files_with(folder.path, kSecret), "");
  EXPECT_EQ(files_with(folder.path, kUnlockKey), "");
  auto disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok());
  EXPECT_TRUE((*disk)->locked());
  EXPECT_FALSE(*(*disk)->unlock(std::string(32, 'v')));
  EXPECT_TRUE((*disk)->locked());
  EXPECT_TRUE(*(*disk)->unlock(kUnlockKey));
  EXPECT_FALSE((*disk)->locked());
  EXPECT_EQ((*disk)->lock(), (ports::DiskLock{3, kUnlockKey}));
  EXPECT_EQ(secrets_in(**disk), "11111");
  EXPECT_EQ((*disk)->get(Family::certificates, "swarm-node.key"), kSecret);
  (*disk)->commit(certificates(ports::DiskLock{4, ""}), 2);
  disk->reset();
  disk = open_at(folder.path);
  EXPECT_FALSE((*disk)->locked()) << "a lock without a key is none";
  EXPECT_EQ((*disk)->lock().number, 4u);
}

TEST(RocksDisk, ALockedRootCanBeForgotten) {
  const Folder folder;
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    fill_with_secrets(**disk, ports::DiskLock{3, kUnlockKey});
  }
  auto disk = open_at(folder.path);
  (*disk)->wipe_all();
  EXPECT_FALSE((*disk)->locked());
  disk->reset();
  disk = open_at(folder.path);
  ASSERT_TRUE(disk.ok()) << disk.error().message;
  EXPECT_FALSE((*disk)->locked());
  EXPECT_EQ(secrets_in(**disk), "00000");
  fill_with_secrets(**disk, std::nullopt);
  EXPECT_EQ(secrets_in(**disk), "11111");
}

// The key that lay in the clear before the lock opens nothing of what is there afterwards.
TEST(RocksDisk, ALockBringsANewDataKeyAndSealsOldRecordsWithIt) {
  const Folder folder;
  const fs::path keys = folder.path + "/swarm/certificates/swarm-node.key", copy = folder.path + "/copy";
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(disk.ok());
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      DiskBatch batch;
      std::string key;
      put_u64(key, i);
      batch.put(Family::objects, key, std::string(2'000, 'x'));
      (*disk)->commit(std::move(batch), i);
    }
    fill_with_secrets(**disk, std::nullopt);
    (*disk)->get(Family::objects, "");  // waits
    fs::copy(keys, copy);
    (*disk)->commit(certificates(ports::DiskLock{1, kUnlockKey}), 1);
  }
  {
    auto disk = open_at(folder.path);
    ASSERT_TRUE(*(*disk)->unlock(kUnlockKey));
    EXPECT_EQ(secrets_in(**disk), "11111");
    (*disk)->commit(certificates(ports::DiskLock{2, ""}), 1);  // so that the file can be looked into
    (*disk)->get(Family::objects, "");
    for (int i = 0; i < 1'000'000 && text_of(keys).find("raft-dek: 1\n") != std::string::npos; ++i) {
    }
    EXPECT_EQ(text_of(keys).find("raft-dek: 1\n"), std::string::npos) << "it is still needed";
    EXPECT_NE(text_of(keys).find("raft-dek: 2\n"), std::string::npos);
  }
  fs::remove(keys);
  fs::copy(copy, keys);
  EXPECT_NE(refusal(folder.path).find("does not open with the keys of swarm-node.key"), std::string::npos);
}

}  // namespace
}  // namespace swarm::real
