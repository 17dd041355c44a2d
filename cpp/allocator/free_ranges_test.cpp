// Free ranges beside the plainest way to keep them: one flag for each number.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "allocator/free_ranges.hpp"
#include "base/rng.hpp"

namespace swarm::allocator {
namespace {

using Number = FreeRanges::Number;

TEST(FreeRanges, WhatIsTakenIsNotTakenAgain) {
  FreeRanges ranges(10, 19);
  EXPECT_TRUE(ranges.take(12, 14));
  EXPECT_FALSE(ranges.take(14, 15));
  EXPECT_FALSE(ranges.take(9, 10)) << "9 is outside";
  EXPECT_FALSE(ranges.take(19, 20));
  EXPECT_EQ(ranges.free(), 7U);
  ranges.give_back(13);
  EXPECT_TRUE(ranges.take(13));
  EXPECT_EQ(ranges.free(), 7U);
}

TEST(FreeRanges, TheNextIsTheLowestFromThereOnOrElseTheLowest) {
  FreeRanges ranges(10, 12);
  EXPECT_EQ(ranges.take_next(11), 11U);
  EXPECT_EQ(ranges.take_next(12), 12U);
  EXPECT_EQ(ranges.take_next(13), 10U);
  EXPECT_EQ(ranges.take_next(0), std::nullopt);
}

TEST(FreeRanges, AlignedOnesBeginAtAMultipleAndStayWithin) {
  FreeRanges ranges(0, 4095);
  EXPECT_TRUE(ranges.take(300));
  EXPECT_EQ(ranges.take_aligned(0, 256, {256, 1023}), 512U) << "300 is in the first block";
  EXPECT_EQ(ranges.take_aligned(0, 256, {256, 1023}), 768U);
  EXPECT_EQ(ranges.take_aligned(0, 256, {256, 1023}), std::nullopt);
  EXPECT_EQ(ranges.free(), 4096U - 513U);
}

TEST(FreeRanges, AnEmptyRangeHasNothing) {
  FreeRanges ranges(2, 1);
  EXPECT_EQ(ranges.size(), 0U);
  EXPECT_EQ(ranges.take_next(0), std::nullopt);
  ranges.give_back(1, 2);
  EXPECT_EQ(ranges.free(), 0U);
}

class Flags {
 public:
  bool take(Number first, Number last) {
    if (last >= free_.size()) return false;
    for (Number i = first; i <= last; ++i)
      if (!free_[i]) return false;
    for (Number i = first; i <= last; ++i) free_[i] = false;
    return true;
  }
  void give_back(Number first, Number last) {
    for (Number i = first; i <= last && i < free_.size(); ++i) free_[i] = true;
  }
  std::optional<Number> take_next(Number from) {
    for (Number i = 0; i < free_.size(); ++i)
      if (const Number at = (from + i) % free_.size(); free_[at]) return free_[at] = false, at;
    return std::nullopt;
  }
  Number free() const { return static_cast<Number>(std::count(free_.begin(), free_.end(), true)); }

 private:
  std::vector<bool> free_ = std::vector<bool>(200, true);
};

TEST(FreeRanges, DoWhatAFlagForEachNumberDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    FreeRanges ranges(0, 199);
    Flags flags;
    for (int i = 0; i < 2'000; ++i) {
      const Number first = rng.below(200), last = std::min<Number>(first + rng.below(9), 210);
      switch (rng.below(3)) {
        case 0: {
          const bool taken = ranges.take(first, last);
          ASSERT_EQ(taken, flags.take(first, last)) << "seed " << seed;
          break;
        }
        case 1:
          ranges.give_back(first, last), flags.give_back(first, last);
          break;
        default:
          ASSERT_EQ(ranges.take_next(first), flags.take_next(first)) << "seed " << seed;
      }
      ASSERT_EQ(ranges.free(), flags.free()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace swarm::allocator
