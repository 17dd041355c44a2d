// The conformance suite of the Disk port, run over every implementation by its own test. Header only, tests
// only.
//
// A harness has:   ports::Disk& disk();            the disk as it is open now
//                  void await(std::uint64_t);      until DiskDone of this token came
//                  std::vector<std::uint64_t> done();  tokens in the order of their DiskDone
//                  void reopen();                  the manager's side, until DiskReopened came
//                  void crash();                   kill -9 and open again; disk() may be another object
//                  afterwards
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/disk.hpp"

namespace swarm::ports::conformance {

inline std::string keys_of(Disk& disk, Family family, std::string_view from = "") {
  std::string keys;
  disk.scan(family, from, [&](std::string_view key, std::string_view value) {
    keys += std::string(key) + "=" + std::string(value) + " ";
    return true;
  });
  return keys;
}

inline DiskBatch numbered(Family family, int number, bool sync) {
  DiskBatch batch;
  batch.sync = sync;
  const std::string key = std::string(1, static_cast<char>('a' + number));
  batch.put(family, key, "1");
  batch.put(family, key + "'", "2");
  return batch;
}

template <class Harness>
void reads_what_it_wrote(Harness& h) {
  DiskBatch batch;
  batch.put(Family::objects, "b", "2");
  batch.put(Family::objects, "a", "1");
  batch.put(Family::objects, std::string("a\0x", 3), "zero bytes are bytes");
  batch.sync = true;
  h.disk().commit(std::move(batch), 1);
  h.await(1);
  EXPECT_EQ(h.disk().get(Family::objects, "a"), "1");
  EXPECT_EQ(h.disk().get(Family::objects, std::string("a\0x", 3)), "zero bytes are bytes");
  EXPECT_EQ(h.disk().get(Family::objects, "c"), std::nullopt);
  EXPECT_EQ(h.disk().get(Family::raft_log, "a"), std::nullopt);
  EXPECT_EQ(keys_of(h.disk(), Family::objects, "b"), "b=2 ");
}

template <class Harness>
void erases_half_open_ranges(Harness& h) {
  for (int i = 0; i < 4; ++i) h.disk().commit(numbered(Family::raft_log, i, false), 1 + i);
  DiskBatch batch;
  batch.erase_range(Family::raft_log, "b", "d");
  batch.erase(Family::raft_log, "a");
  batch.put(Family::raft_log, "c", "again");
  batch.sync = true;
  h.disk().commit(std::move(batch), 9);
  h.await(9);
  EXPECT_EQ(keys_of(h.disk(), Family::raft_log), "a'=2 c=again d=1 d'=2 ");
}

template <class Harness>
void answers_in_the_order_of_commits(Harness& h) {
  for (int i = 0; i < 6; ++i)
    h.disk().commit(numbered(i % 2 == 0 ? Family::agent : Family::objects, i, i % 3 == 0), 100 + i);
  h.await(105);
  EXPECT_EQ(h.done(), (std::vector<std::uint64_t>{100, 101, 102, 103, 104, 105}));
}

// A crash keeps a prefix that holds all that is durable, and every batch whole or not at all.
template <class Harness>
void keeps_a_prefix_over_a_crash(Harness& h) {
  std::uint64_t token = 0;
  for (const Family family : {Family::objects, Family::agent, Family::certificates}) {
    for (int i = 0; i < 3; ++i) h.disk().commit(numbered(family, i, i == 2), ++token);
    h.await(token);
    for (int i = 3; i < 8; ++i) h.disk().commit(numbered(family, i, false), ++token);
    h.crash();
    bool gone = false;
    for (int i = 0; i < 8; ++i) {
      const std::string key = std::string(1, static_cast<char>('a' + i));
      const bool first = h.disk().get(family, key).has_value();
      const bool second = h.disk().get(family, key + "'").has_value();
      EXPECT_EQ(first, second) << "half a batch was kept: " << key;
      EXPECT_FALSE(gone && first) << "a batch was kept behind one that was lost: " << key;
      EXPECT_TRUE(first || i >= 3) << "a durable batch was lost: " << key;
      gone = gone || !first;
    }
  }
}

template <class Harness>
void forgets_manager_state_only_when_told(Harness& h) {
  EXPECT_FALSE(h.disk().has_manager_state());
  h.disk().commit(numbered(Family::identity, 0, true), 1);
  h.disk().commit(numbered(Family::raft_state, 0, true), 2);
  h.await(2);
  EXPECT_TRUE(h.disk().has_manager_state());
  h.disk().wipe_manager();
  h.crash();
  EXPECT_FALSE(h.disk().has_manager_state());
  EXPECT_EQ(keys_of(h.disk(), Family::identity), "a=1 a'=2 ");
  h.disk().commit(numbered(Family::certificates, 0, true), 3);
  h.await(3);
  h.disk().wipe_manager();
  h.crash();
  EXPECT_EQ(keys_of(h.disk(), Family::certificates), "a=1 a'=2 ");
  h.disk().wipe_all();
  h.crash();
  EXPECT_EQ(keys_of(h.disk(), Family::identity), "");
  EXPECT_EQ(keys_of(h.disk(), Family::certificates), "");
}

// The mark of the last durable batch that had one; a batch without one leaves it.
template <class Harness>
void keeps_its_mark_beside_its_batches(Harness& h) {
  EXPECT_EQ(h.disk().mark(), "");
  const auto marked = [&](int number, std::string mark, std::uint64_t token) {
    DiskBatch batch = numbered(Family::raft_log, number, true);
    batch.mark = std::move(mark);
    h.disk().commit(std::move(batch), token);
    h.await(token);
  };
  for (int i = 0; i < 5; ++i) {
    const std::string mark = "mark " + std::to_string(i) + std::string("\0", 1);
    marked(i, mark, 10 + i);
    EXPECT_EQ(h.disk().mark(), mark);
    if (i % 2 == 0) h.crash();
    EXPECT_EQ(h.disk().mark(), mark) << "a crash took it, or brought an older one";
  }
  const std::string last = h.disk().mark();
  h.disk().commit(numbered(Family::raft_log, 6, true), 20);
  h.disk().commit(numbered(Family::agent, 6, true), 21);
  h.await(21);
  h.crash();
  EXPECT_EQ(h.disk().mark(), last);
  h.disk().wipe_manager();
  EXPECT_EQ(h.disk().mark(), "");
  h.crash();
  EXPECT_EQ(h.disk().mark(), "");
  marked(7, "a new life", 30);
  h.crash();
  EXPECT_EQ(h.disk().mark(), "a new life");
}

// A manager's side that is opened again holds what it held, with its mark, and takes batches; so does the
// node's own beside it.
template <class Harness>
void is_as_it_was_when_it_is_opened_again(Harness& h) {
  h.reopen();  // nothing
  EXPECT_FALSE(h.disk().has_manager_state());
  DiskBatch batch = numbered(Family::raft_log, 0, true);
  batch.mark = "mark";
  h.disk().commit(std::move(batch), 1);
  h.disk().commit(numbered(Family::agent, 0, false), 2);
  h.await(2);
  h.reopen();
  EXPECT_FALSE(h.disk().unusable().has_value());
  EXPECT_EQ(keys_of(h.disk(), Family::raft_log), "a=1 a'=2 ");
  EXPECT_EQ(keys_of(h.disk(), Family::agent), "a=1 a'=2 ");
  EXPECT_EQ(h.disk().mark(), "mark");
  h.disk().commit(numbered(Family::raft_log, 1, true), 3);
  h.await(3);
  h.crash();
  EXPECT_EQ(keys_of(h.disk(), Family::raft_log), "a=1 a'=2 b=1 b'=2 ");
  EXPECT_EQ(h.disk().mark(), "mark");
}

// A lock comes and goes with a certificates batch.
template <class Harness>
void is_locked_until_it_has_its_key(Harness& h) {
  const std::string key(32, 'k');
  const auto certify = [&](std::optional<DiskLock> lock, std::uint64_t token) {
    DiskBatch batch = numbered(Family::certificates, 0, true);
    batch.lock = std::move(lock);
    h.disk().commit(std::move(batch), token);
    h.await(token);
  };
  h.disk().commit(numbered(Family::identity, 0, true), 1);
  certify(DiskLock{1, key}, 2);
  EXPECT_FALSE(h.disk().locked()) << "not while its daemon lives";
  h.crash();
  ASSERT_TRUE(h.disk().locked());
  EXPECT_FALSE(*h.disk().unlock(std::string(32, 'x')));
  EXPECT_TRUE(h.disk().locked());
  EXPECT_TRUE(*h.disk().unlock(key));
  EXPECT_FALSE(h.disk().locked());
  EXPECT_EQ(keys_of(h.disk(), Family::identity), "a=1 a'=2 ");
  EXPECT_EQ(keys_of(h.disk(), Family::certificates), "a=1 a'=2 ");
  EXPECT_EQ(h.disk().lock(), (DiskLock{1, key}));
  certify(std::nullopt, 3);
  h.crash();
  EXPECT_TRUE(h.disk().locked()) << "a batch without a lock leaves the one before";
  EXPECT_TRUE(*h.disk().unlock(key));
  certify(DiskLock{2, ""}, 4);
  h.crash();
  EXPECT_FALSE(h.disk().locked());
  EXPECT_EQ(h.disk().lock(), (DiskLock{2, ""}));
  certify(DiskLock{3, key}, 5);
  h.crash();
  h.disk().wipe_all();
  EXPECT_FALSE(h.disk().locked());
  h.crash();
  EXPECT_FALSE(h.disk().locked());
  EXPECT_EQ(h.disk().lock(), DiskLock{});
}

// Each story gets a harness of its own: `make()` returns one by value or by pointer-like handle.
template <class Make>
void run_all(Make make) {
  {
    SCOPED_TRACE("reads_what_it_wrote");
    auto h = make();
    reads_what_it_wrote(*h);
  }
  {
    SCOPED_TRACE("erases_half_open_ranges");
    auto h = make();
    erases_half_open_ranges(*h);
  }
  {
    SCOPED_TRACE("answers_in_the_order_of_commits");
    auto h = make();
    answers_in_the_order_of_commits(*h);
  }
  {
    SCOPED_TRACE("keeps_a_prefix_over_a_crash");
    auto h = make();
    keeps_a_prefix_over_a_crash(*h);
  }
  {
    SCOPED_TRACE("keeps_its_mark_beside_its_batches");
    auto h = make();
    keeps_its_mark_beside_its_batches(*h);
  }
  {
    SCOPED_TRACE("is_as_it_was_when_it_is_opened_again");
    auto h = make();
    is_as_it_was_when_it_is_opened_again(*h);
  }
  {
    SCOPED_TRACE("is_locked_until_it_has_its_key");
    auto h = make();
    is_locked_until_it_has_its_key(*h);
  }
  {
    SCOPED_TRACE("forgets_manager_state_only_when_told");
    auto h = make();
    forgets_manager_state_only_when_told(*h);
  }
}

}  // namespace swarm::ports::conformance
