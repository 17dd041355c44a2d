// What a member says before its disk has it, and what it may say.
#include "sim/check/spoken.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/rng.hpp"
#include "codec/codec.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"
#include "sim/sim_disk.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using ports::Family;

class Spoken : public testing::Test {
 protected:
  // The disk does what is under way.
  void let_it_write() {
    while (!shared_.queue.empty()) {
      const Event event = shared_.queue.pop();
      disk_.on_written(std::get<DiskWritten>(event.what));
    }
  }
  void write_entry(raft::Index index, raft::Term term = 2) {
    ports::DiskBatch batch;
    batch.sync = true;
    raft::Entry entry;
    entry.term = term;
    entry.index = index;
    batch.erase_range(Family::raft_log, node::log_key(index), std::string(9, '\xff'));
    batch.put(Family::raft_log, node::log_key(index), codec::encode(entry));
    disk_.commit(std::move(batch), 1);
  }
  void write_vote(raft::Term term, raft::PeerId vote) {
    ports::DiskBatch batch;
    batch.sync = true;
    node::put_hard_state({term, vote, 0}, raft::no_promise(1), batch);
    disk_.commit(std::move(batch), 2);
  }
  static raft::Message message(raft::MessageType type, raft::Term term, raft::Index index) {
    raft::Message out;
    out.type = type;
    out.term = term;
    out.index = index;
    out.from = 1;
    out.to = 7;
    return out;
  }

  Shared shared_{WorldOptions{}};
  SimDisk disk_{shared_, 0, Rng(1)};
};

TEST_F(Spoken, AnEntryThatIsAcknowledgedBeforeTheDiskHasIt) {
  write_entry(5);
  EXPECT_TRUE(unkept(message(raft::MessageType::app_resp, 2, 5), disk_));
  let_it_write();
  EXPECT_FALSE(unkept(message(raft::MessageType::app_resp, 2, 5), disk_));
  EXPECT_TRUE(unkept(message(raft::MessageType::app_resp, 2, 6), disk_));
}

TEST_F(Spoken, AnEntryThatIsWrittenOverIsNotThereYet) {
  write_entry(5);
  let_it_write();
  write_entry(5);
  EXPECT_TRUE(unkept(message(raft::MessageType::app_resp, 2, 5), disk_));
}

TEST_F(Spoken, AnAnswerOfAnEarlierTermOutlivesItsEntry) {
  write_entry(5);
  write_entry(6);
  write_entry(5, 3);
  EXPECT_TRUE(unkept(message(raft::MessageType::app_resp, 2, 6), disk_)) << "a power cut may undo all three";
  let_it_write();
  EXPECT_FALSE(unkept(message(raft::MessageType::app_resp, 2, 6), disk_));
  EXPECT_TRUE(unkept(message(raft::MessageType::app_resp, 3, 6), disk_));
}

TEST_F(Spoken, AVoteThatIsSaidBeforeTheDiskHasIt) {
  write_vote(3, 7);
  EXPECT_TRUE(unkept(message(raft::MessageType::vote_resp, 3, 0), disk_));
  let_it_write();
  EXPECT_FALSE(unkept(message(raft::MessageType::vote_resp, 3, 0), disk_));
  EXPECT_TRUE(unkept(message(raft::MessageType::vote_resp, 4, 0), disk_));
}

TEST_F(Spoken, ARefusalPromisesNothing) {
  raft::Message refusal = message(raft::MessageType::vote_resp, 4, 0);
  refusal.reject = true;
  EXPECT_FALSE(unkept(refusal, disk_));
}

TEST_F(Spoken, AVoterWhoseDiskIsAnotherMembersSaysNothing) {
  EXPECT_TRUE(surely_has(disk_, 1, 5, "entry"));
  ports::DiskBatch batch;
  batch.sync = true;
  batch.put(Family::raft_state, "self", node::eight(1));
  disk_.commit(std::move(batch), 3);
  EXPECT_FALSE(surely_has(disk_, 1, 5, "entry"));
  EXPECT_TRUE(surely_has(disk_, 2, 5, "entry"));
}

}  // namespace
}  // namespace swarm::sim
