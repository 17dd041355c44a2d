#include "real/local_doors.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace swarm::real {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

// A data root as a careless copy leaves it, and a file outside of it.
class LocalDoorsTest : public testing::Test {
 protected:
  LocalDoorsTest() {
    char name[] = "/tmp/doors_test_XXXXXX";
    folder_ = ::mkdtemp(name);
    root_ = folder_ / "root";
    for (const char* directory : {"raft", "tasks/a/work/mine", "swarm/certificates"}) {
      fs::create_directories(root_ / directory);
    }
    for (const char* file :
         {"node.log", "raft/000004.log", "tasks/a/log", "tasks/a/work/mine/x", "swarm/certificates/key"})
      std::ofstream(root_ / file) << "x";
    std::ofstream(folder_ / "outside") << "x";
    fs::create_symlink(folder_ / "outside", root_ / "link");
    for (const auto& entry : fs::recursive_directory_iterator(folder_))
      if (!entry.is_symlink()) ::chmod(entry.path().c_str(), 0777);
  }
  ~LocalDoorsTest() override { fs::remove_all(folder_); }

  fs::path folder_, root_;
};

TEST_F(LocalDoorsTest, WhatAnEarlierDaemonLeftOpenIsClosed) {
  ASSERT_TRUE(close_root(root_).ok());
  EXPECT_EQ(mode_of(root_), 0700U);
  ASSERT_TRUE(close_inside(root_).ok());
  for (const char* place : {"raft", "raft/000004.log", "node.log", "tasks", "tasks/a", "tasks/a/log",
                            "swarm/certificates", "swarm/certificates/key"})
    EXPECT_EQ(mode_of(root_ / place), 0700U) << place;
}

TEST_F(LocalDoorsTest, WhatBelongsToATaskAndWhatLiesOutsideStaysAsItIs) {
  ASSERT_TRUE(close_root(root_).ok() && close_inside(root_).ok());
  EXPECT_EQ(mode_of(root_ / "tasks/a/work/mine/x"), 0777U);
  EXPECT_EQ(mode_of(folder_ / "outside"), 0777U) << "a link leads out of the root";
}

TEST_F(LocalDoorsTest, ADataRootIsPrivateUnderAnyMask) {
  for (const mode_t mask : {0U, 0777U}) {
    const mode_t before = ::umask(mask);
    const auto closed = close_root(root_ / std::to_string(mask));
    ::umask(before);
    EXPECT_TRUE(closed.ok());
    EXPECT_EQ(mode_of(root_ / std::to_string(mask)), 0700U);
  }
}

TEST_F(LocalDoorsTest, ADataRootOfAnotherUserIsTakenOverByRootAndRefusedByOthers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::chown(root_.c_str(), 65534, 65534), 0);
  ASSERT_EQ(::seteuid(65533), 0);
  const auto refused = close_root(root_);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("belongs to another user (uid 65534)"), std::string::npos)
      << refused.error().message;
  EXPECT_TRUE(close_root(root_).ok());
  struct stat found {};
  ASSERT_EQ(::stat(root_.c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, 0U);
}

TEST(GroupNamed, ANameANumberOrASentence) {
  const group* own = ::getgrgid(0);
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(*group_named(own->gr_name), 0U);
  EXPECT_EQ(*group_named("4711"), 4711U);
  const auto unknown = group_named("no-such-group");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("there is no group \"no-such-group\""), std::string::npos);
}

}  // namespace
}  // namespace swarm::real
