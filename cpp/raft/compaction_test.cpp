#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "raft/compaction.hpp"
#include "raft/message.hpp"
#include "raft/storage.hpp"

namespace swarm::raft {
namespace {

// Entries 1 to `count`, each of `bytes` bytes of data.
MemoryStorage log_of(Index count, std::size_t bytes) {
  MemoryStorage log;
  std::vector<Entry> entries;
  for (Index index = 1; index <= count; ++index)
    entries.push_back({1, index, EntryType::normal, std::string(bytes, 'x')});
  log.append(entries);
  return log;
}

constexpr CompactionRule kRule{100, 10, 64'000, 16'000};

TEST(Compaction, AShortLogStays) {
  EXPECT_EQ(compaction_point(log_of(110, 10), 110, kRule), std::nullopt);
  EXPECT_EQ(compaction_point(log_of(0, 10), 0, kRule), std::nullopt);
}

TEST(Compaction, ManyEntriesGoButForTheNewest) {
  EXPECT_EQ(compaction_point(log_of(111, 10), 111, kRule), Index{101});
  EXPECT_EQ(compaction_point(log_of(500, 10), 111, kRule), Index{101}) << "what is not applied stays";
}

TEST(Compaction, ALargeLogGoesLongBeforeItHasManyEntries) {
  const MemoryStorage log = log_of(70, 1'000);
  ASSERT_GT(log.bytes(), 64'000u);
  const auto until = compaction_point(log, 70, kRule);
  ASSERT_TRUE(until);
  EXPECT_EQ(*until, 60u) << "ten entries fit into what is kept";
}

TEST(Compaction, WhatIsKeptOfALargeLogIsBoundedByBytesToo) {
  MemoryStorage log = log_of(8, 10'000);
  const auto until = compaction_point(log, 8, kRule);
  ASSERT_EQ(until, Index{7}) << "one of 10,000 bytes fits into 16,000";
  log.compact(*until);
  EXPECT_EQ(log.bytes(), log.size_of(8));
  EXPECT_EQ(compaction_point(log, 8, kRule), std::nullopt);
}

TEST(Compaction, NothingGoesThatIsNotApplied) {
  const MemoryStorage log = log_of(70, 1'000);
  EXPECT_EQ(compaction_point(log, 3, kRule), Index{3});
  EXPECT_EQ(compaction_point(log, 0, kRule), std::nullopt);
}

TEST(Compaction, AnEntryLargerThanAllBoundsGoesToo) {
  EXPECT_EQ(compaction_point(log_of(1, 100'000), 1, kRule), Index{1});
}

// What bytes() says is the sum of what is there, whatever happened to the log.
TEST(Compaction, BytesFollowEveryChangeOfTheLog) {
  const auto sum = [](const MemoryStorage& log) {
    std::uint64_t size = 0;
    for (Index index = log.first_index(); index <= log.last_index(); ++index) size += log.size_of(index);
    return size;
  };
  MemoryStorage log = log_of(10, 100);
  EXPECT_EQ(log.bytes(), sum(log));
  log.append({{2, 6, EntryType::normal, "written over"}});
  EXPECT_EQ(log.last_index(), 6u);
  EXPECT_EQ(log.bytes(), sum(log));
  log.compact(3);
  EXPECT_EQ(log.bytes(), sum(log));
  Snapshot snapshot;
  snapshot.index = 20;
  log.apply_snapshot(snapshot);
  EXPECT_EQ(log.bytes(), 0u);
}

}  // namespace
}  // namespace swarm::raft
