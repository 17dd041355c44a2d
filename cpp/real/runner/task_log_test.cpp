#include "real/runner/task_log.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::real {
namespace {

TEST(TaskLogFile, IsBoundedAndKeepsTheNewest) {
  char name[] = "/tmp/log_test_XXXXXX";
  const std::string folder = ::mkdtemp(name);
  TaskLogFile log(folder + "/log");
  for (int i = 0; i < 5'000; ++i)
    log.append({{TaskId(1), false, WallTime{i}, std::string(1'000, 'x') + std::to_string(i)}});
  const auto lines = log.read(TaskId(1), {});
  EXPECT_TRUE(lines.back().text.ends_with("x4999"));
  EXPECT_LT(lines.size(), 2'200U);
  EXPECT_GT(lines.size(), 900U);
  std::filesystem::remove_all(folder);
}

TEST(LineSplitter, CutsLongLinesAndKeepsEmptyOnes) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  splitter.add("a\n\nb", lines);
  splitter.add("c\n" + std::string(20'000, 'z') + "\n", lines);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[1], "");
  EXPECT_EQ(lines[2], "bc");
  EXPECT_EQ(lines[3].size(), 16U * 1024);
  EXPECT_EQ(lines[4].size(), 20'000U - 16 * 1024);
}

}  // namespace
}  // namespace swarm::real
