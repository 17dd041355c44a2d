#include "raft/promise.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "raft/message.hpp"

namespace swarm::raft {
namespace {

// Five writes of a member, one after the other.
std::vector<Promise> five() {
  std::vector<Promise> all{no_promise(1)};
  for (Index i = 1; i <= 5; ++i) all.push_back(next_promise(all.back(), all.back(), {2, 1, i}, i, 2));
  return all;
}

TEST(Promise, EachWriteIsChainedToTheOneBefore) {
  const auto all = five();
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(all[i].writes, i);
    EXPECT_EQ(all[i].before, all[i - 1].chain);
    EXPECT_NE(all[i].chain, all[i - 1].chain);
  }
}

TEST(Promise, EverythingThatAMemberSaysIsInTheChain) {
  const Promise last = five().back();
  const Promise one = next_promise(last, last, {3, 1, 0}, 9, 3);
  EXPECT_NE(next_promise(last, last, {4, 1, 0}, 9, 3).chain, one.chain) << "term";
  EXPECT_NE(next_promise(last, last, {3, 2, 0}, 9, 3).chain, one.chain) << "vote";
  EXPECT_NE(next_promise(last, last, {3, 1, 0}, 8, 3).chain, one.chain) << "last index";
  EXPECT_NE(next_promise(last, last, {3, 1, 0}, 9, 2).chain, one.chain) << "last term";
  EXPECT_EQ(next_promise(last, last, {3, 1, 7}, 9, 3), one) << "a commit index is no promise";
  EXPECT_NE(next_promise(no_promise(1), no_promise(1), {3, 1, 0}, 9, 3).chain,
            next_promise(no_promise(2), no_promise(2), {3, 1, 0}, 9, 3).chain)
      << "member";
}

TEST(Promise, ADiskIsWholeWithItsMarkOrOneWriteBeforeIt) {
  const auto all = five();
  EXPECT_EQ(memory_of(no_promise(1), no_promise(1)), Memory::whole);
  EXPECT_EQ(memory_of(all[1], no_promise(1)), Memory::whole);
  EXPECT_EQ(memory_of(all[4], all[4]), Memory::whole);
  EXPECT_EQ(memory_of(all[5], all[4]), Memory::whole);
}

// A crash between each of them and its mark, and nothing of them was acknowledged.
TEST(Promise, ADiskIsWholeWithAnyNumberOfWritesThatNameItsMark) {
  const Promise marked = five().back();
  Promise last = marked;
  for (Index life = 6; life <= 9; ++life) {
    last = next_promise(last, marked, {life, 1, 0}, 5, 2);
    EXPECT_EQ(memory_of(last, marked), Memory::whole) << life;
  }
  Promise first = no_promise(1);
  for (Index life = 1; life <= 3; ++life) first = next_promise(first, no_promise(1), {life, 1, 0}, 0, 0);
  EXPECT_EQ(memory_of(first, no_promise(1)), Memory::whole) << "before its first mark";
}

TEST(Promise, ALostTailAnOlderOrAnotherLogIsSeen) {
  const auto all = five();
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(memory_of(all[i], all[5]), Memory::lost) << i;
  const Promise other = next_promise(all[4], all[4], {2, 1, 5}, 7, 2);
  EXPECT_EQ(memory_of(other, all[5]), Memory::other);
  EXPECT_EQ(memory_of(next_promise(other, other, {2, 1, 6}, 8, 2), all[5]), Memory::other);
  EXPECT_EQ(memory_of(all[5], all[3]), Memory::other) << "two writes without a mark";
  EXPECT_EQ(memory_of(all[2], no_promise(1)), Memory::unmarked);
}

}  // namespace
}  // namespace swarm::raft
