// Memory that a burst has left free goes back.
#include "real/heap.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kMuch = Heap::kWorthwhile + 1;

TEST(Heap, GivesBackWhatABurstHasLeftFreeAndNotWhatWorkFreesAndTakes) {
  Heap heap;
  EXPECT_FALSE(heap.is_worthwhile(Heap::kWorthwhile));
  EXPECT_TRUE(heap.is_worthwhile(kMuch));
}

// The library still counts it as free: nothing is there to give back a second time.
TEST(Heap, DoesNotGiveBackTwice) {
  Heap heap;
  ASSERT_TRUE(heap.is_worthwhile(kMuch));
  heap.gave_back(kMuch);
  EXPECT_FALSE(heap.is_worthwhile(kMuch));
  EXPECT_FALSE(heap.is_worthwhile(1'000)) << "it is in use again";
  EXPECT_TRUE(heap.is_worthwhile(kMuch + 1'000)) << "and free once more";
}

std::size_t resident_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

// Small blocks, and one that stays at the end of the heap: without a word the library keeps them all.
TEST(Heap, AProcessIsSmallAgainAfterABurst) {
  if (::mallinfo2().fordblks == 0) GTEST_SKIP() << "another allocator";
  std::vector<std::unique_ptr<std::string>> burst;
  for (int i = 0; i < 200'000; ++i) burst.push_back(std::make_unique<std::string>(600, 'x'));
  const auto last = std::make_unique<std::string>(600, 'x');
  const std::size_t at_most = resident_kilobytes();
  burst.clear();
  Heap heap;
  EXPECT_TRUE(heap.look(Instant{1}));
  EXPECT_LT(resident_kilobytes() + 80'000, at_most);
  EXPECT_FALSE(heap.look(Instant{2})) << "it looks once in five seconds";
}

}  // namespace
}  // namespace swarm::real
