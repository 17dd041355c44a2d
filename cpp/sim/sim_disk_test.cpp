// The disk alone: what is there after a crash, batch by batch, and what trouble does to each of them.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"
#include "sim/sim_disk.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using ports::Family;

class OneDisk : public testing::Test {
 protected:
  OneDisk() { disk_.set_latency(Duration::micros(100), Duration::micros(100)); }
  // One batch with one row; gives how long it takes.
  Duration put(const std::string& key, const std::string& value, bool sync = true) {
    ports::DiskBatch batch;
    batch.put(Family::agent, key, value);
    batch.sync = sync;
    disk_.commit(std::move(batch), ++token_);
    Instant done;
    while (!shared_.queue.empty()) {
      Event event = shared_.queue.pop();
      done = event.at;
      written_.push_back(std::get<DiskWritten>(event.what));
    }
    return done - shared_.now;
  }
  void commit(Family family, const std::string& key) {
    ports::DiskBatch batch;
    batch.put(family, key, "1");
    batch.sync = true;
    disk_.commit(std::move(batch), ++token_);
  }
  // What came of it, in words.
  std::string told() {
    std::string all;
    while (!shared_.queue.empty()) {
      Event event = shared_.queue.pop();
      if (const auto* written = std::get_if<DiskWritten>(&event.what)) {
        disk_.on_written(*written);
        all += "written " + std::to_string(written->token) + "\n";
        continue;
      }
      const auto& told = std::get<Deliver>(event.what).event;
      if (const auto* failed = std::get_if<ports::DiskFailed>(&told))
        all += "failed " + std::to_string(failed->token) + ": " + failed->why + "\n";
      if (const auto* reopened = std::get_if<ports::DiskReopened>(&told))
        all += "reopened: " + reopened->why + "\n";
      if (const auto* waits = std::get_if<ports::DiskWaits>(&told)) all += "waits: " + waits->why + "\n";
    }
    return all;
  }
  void durable(std::size_t batches) {
    for (std::size_t i = 0; i < batches; ++i) disk_.on_written(written_.at(told_++));
  }
  std::string rows() {
    std::string all;
    disk_.scan(Family::agent, "", [&](std::string_view key, std::string_view value) {
      all += std::string(key) + "=" + std::string(value) + " ";
      return true;
    });
    return all;
  }
  static DiskTrouble at_crash(std::int64_t lost_tail, bool torn) {
    DiskTrouble trouble;
    trouble.at_crash.push_back({1, lost_tail, 0, torn, false});
    return trouble;
  }
  static DiskTrouble failing(std::int64_t after) {
    DiskTrouble trouble;
    trouble.failing.push_back({1, {{"fsync", "EIO"}}, after});
    return trouble;
  }

  Shared shared_{WorldOptions{}};
  SimDisk disk_{shared_, 0, Rng(3)};
  std::uint64_t token_ = 0;
  std::vector<DiskWritten> written_;
  std::size_t told_ = 0;
};

TEST_F(OneDisk, a_crash_loses_some_of_the_last_that_were_not_durable_and_nothing_else) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    disk_.reseed(Rng(seed));
    for (const char* key : {"a", "b", "c"}) put(key, std::to_string(seed));
    durable(1);
    put("a", "never");
    disk_.crash();
    const std::string now = rows();
    told_ = written_.size();
    ++seen[now.find("never") != std::string::npos ? "all" : "some"];
    EXPECT_NE(now.find("a="), std::string::npos);
    if (now.find("never") == std::string::npos) {
      EXPECT_NE(now.find("a=" + std::to_string(seed) + " "), std::string::npos) << now;
    }
  }
  EXPECT_GT(seen["all"], 20);
  EXPECT_GT(seen["some"], 20);
}

TEST_F(OneDisk, a_torn_batch_takes_all_with_it_that_was_not_durable) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    disk_.reseed(Rng(seed));
    disk_.set_trouble({});
    put("a", "kept");
    put("b", "kept");
    durable(2);
    disk_.set_trouble(at_crash(0, true));
    put("a", "1");
    put("a", "2");
    put("c", "3");
    EXPECT_EQ(disk_.crash(), "");
    told_ = written_.size();
    EXPECT_EQ(rows(), "a=kept b=kept ") << "undone from the last to the first";
  }
}

TEST_F(OneDisk, what_was_answered_is_durable_and_what_comes_after_it_is_not) {
  disk_.set_trouble(at_crash(0, true));
  put("a", "1");
  put("b", "2");
  put("c", "3");
  durable(2);
  disk_.crash();
  EXPECT_EQ(rows(), "a=1 b=2 ");
}

TEST_F(OneDisk, a_lost_tail_is_so_many_durable_batches_once) {
  for (const char* key : {"a", "b", "c", "d", "e"}) put(key, "1");
  durable(5);
  disk_.set_trouble(at_crash(2, false));
  disk_.set_trouble(at_crash(2, false));  // another fault came: this one is the same
  EXPECT_EQ(disk_.crash(), "lost its last 2 durable batches");
  EXPECT_EQ(rows(), "a=1 b=1 c=1 ");
  disk_.set_trouble(at_crash(2, false));
  EXPECT_EQ(disk_.crash(), "") << "at the next crash, and at no later one";
  EXPECT_EQ(rows(), "a=1 b=1 c=1 ");
}

TEST_F(OneDisk, only_what_is_to_be_durable_waits_for_a_slow_fsync) {
  EXPECT_EQ(put("a", "1"), Duration::micros(100));
  DiskTrouble slow;
  slow.fsync_delay = Duration::millis(30);
  disk_.set_trouble(slow);
  EXPECT_EQ(put("a", "2", false), Duration::micros(100)) << "after the one before it";
  EXPECT_EQ(put("a", "3"), Duration::micros(30'100));
  EXPECT_EQ(put("a", "4", false), Duration::micros(30'100)) << "answers come in the order of commits";
  shared_.now = shared_.now + Duration::seconds(1);
  slow.slower = 3'000'000'000;
  disk_.set_trouble(slow);
  EXPECT_EQ(put("a", "5"), Duration::micros(90'300));
}

TEST_F(OneDisk, from_the_nth_operation_on_the_nodes_own_batches_wait_until_the_trouble_is_over) {
  disk_.set_trouble(failing(3));
  put("a", "1");
  put("b", "1", false);  // no fsync
  put("c", "1");
  disk_.set_trouble(failing(3));  // counted operations stay counted
  commit(Family::agent, "d");
  commit(Family::agent, "e");
  EXPECT_EQ(told(), "waits: fsync: input/output error (EIO)\n");
  EXPECT_EQ(rows(), "a=1 b=1 c=1 ");
  disk_.set_trouble({});
  EXPECT_EQ(told(), "written 4\nwritten 5\nwaits: \n");
  EXPECT_EQ(rows(), "a=1 b=1 c=1 d=1 e=1 ");
}

TEST_F(OneDisk, a_full_one_has_room_for_the_nodes_own_batches) {
  DiskTrouble full;
  full.full = true;
  disk_.set_trouble(full);
  commit(Family::agent, "a");
  commit(Family::raft_log, "b");
  EXPECT_EQ(told(), "written 1\nfailed 2: write: no space left on device (ENOSPC)\n");
  EXPECT_EQ(disk_.get(Family::raft_log, "b"), std::nullopt);
}

TEST_F(OneDisk, a_managers_batches_fail_until_it_is_opened_again) {
  disk_.set_trouble(failing(1));
  commit(Family::raft_log, "a");
  commit(Family::objects, "b");
  disk_.set_trouble({});
  commit(Family::objects, "c");
  EXPECT_EQ(told(),
            "failed 1: fsync: input/output error (EIO)\nfailed 2: fsync: input/output error (EIO)\n"
            "failed 3: fsync: input/output error (EIO)\n");
  EXPECT_TRUE(disk_.unusable().has_value());
  disk_.reopen();
  EXPECT_EQ(told(), "reopened: \n");
  commit(Family::objects, "d");
  EXPECT_EQ(told(), "written 4\n");
  EXPECT_EQ(disk_.get(Family::objects, "b"), std::nullopt) << "it came after one that failed";
}

TEST_F(OneDisk, after_an_fsync_that_failed_the_batch_is_there_or_not_and_its_mark_is_not) {
  std::map<bool, int> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    disk_.reseed(Rng(seed));
    disk_.wipe_manager();
    disk_.set_trouble({});
    disk_.set_trouble(failing(1));
    ports::DiskBatch batch;
    batch.put(Family::raft_log, "a", "1");
    batch.sync = true;
    batch.mark = "mark";
    disk_.commit(std::move(batch), ++token_);
    disk_.set_trouble({});
    disk_.reopen();
    told();
    ++seen[disk_.get(Family::raft_log, "a").has_value()];
    EXPECT_EQ(disk_.mark(), "");
    disk_.crash();
  }
  EXPECT_GT(seen[true], 20);
  EXPECT_GT(seen[false], 20);
}

TEST_F(OneDisk, as_long_as_it_is_full_it_cannot_be_opened_again) {
  DiskTrouble full;
  full.full = true;
  disk_.set_trouble(full);
  commit(Family::raft_log, "a");
  disk_.reopen();
  EXPECT_EQ(told(),
            "failed 1: write: no space left on device (ENOSPC)\n"
            "reopened: write: no space left on device (ENOSPC)\n");
}

// Seed 7495: the copy brings its mark along, by which the manager would have known of the loss.
TEST_F(OneDisk, a_copy_is_older_also_where_all_that_came_after_it_was_lost) {
  const auto put_marked = [&](const std::string& value) {
    ports::DiskBatch batch;
    batch.put(Family::raft_log, "a", value);
    batch.sync = true;
    batch.mark = "mark " + value;
    disk_.commit(std::move(batch), ++token_);
  };
  put_marked("1");
  disk_.sync();
  disk_.keep_copy();
  put_marked("2");
  disk_.sync();
  disk_.set_trouble(at_crash(1, false));
  EXPECT_EQ(disk_.crash(), "lost its last 1 durable batches");
  EXPECT_EQ(disk_.mark(), "mark 2");
  EXPECT_TRUE(disk_.take_copy());
  EXPECT_EQ(disk_.mark(), "mark 1");
}

TEST_F(OneDisk, an_older_copy_is_what_it_was_and_is_taken_once) {
  put("a", "1");
  durable(1);
  EXPECT_FALSE(disk_.take_copy());
  disk_.keep_copy();
  EXPECT_FALSE(disk_.take_copy()) << "it is the same";
  disk_.keep_copy();
  put("a", "2");
  put("b", "2");
  EXPECT_TRUE(disk_.take_copy());
  EXPECT_EQ(rows(), "a=1 ");
  disk_.keep_copy();
  put("a", "3");
  disk_.drop_copy();
  EXPECT_FALSE(disk_.take_copy());
  EXPECT_EQ(rows(), "a=3 ");
}

}  // namespace
}  // namespace swarm::sim
