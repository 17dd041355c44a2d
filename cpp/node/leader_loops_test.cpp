// The loops that only a leader runs: changes and outcomes in; one proposal of each loop at a time out.
#include "node/leader_loops.hpp"

#include <cstdint>
#include <utility>

#include "base/id.hpp"
#include "base/test_check.hpp"
#include "control/service.hpp"
#include "model/container_spec.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/replica.hpp"
#include "node/test_leader.hpp"
#include "raft/message.hpp"
#include "store/change_set.hpp"

namespace swarm::node {
namespace {

class LeaderLoopsTest : public testing::Test {
 protected:
  // Lets the loops plan, and tells them what came of it, until they are at rest; how many plans were made.
  int settle() {
    int plans = 0;
    while (loops_.plan()) {
      ++plans;
      deliver();
    }
    return plans;
  }
  void deliver() {
    for (const AppliedEntry& entry : leader_.go_on()) {
      loops_.observe(entry.changes);
      if (entry.request != 0) loops_.settled(entry.request, entry.outcome);
    }
  }
  void create(std::uint64_t replicas) {
    model::ServiceSpec spec;
    spec.annotations.name = "web";
    spec.mode = model::ReplicatedMode{replicas};
    spec.task.container.emplace().image = "nginx:latest";
    auto transaction = control::create_service(leader_.replica->store(), ServiceId(6), std::move(spec));
    ASSERT_TRUE(transaction.ok());
    leader_.replica->propose(std::move(*transaction));
    deliver();
  }

  // The agent of the one node is in session: it can be given tasks.
  void SetUp() override {
    const model::Principal self{ClusterId(9), leader_.self, model::NodeRole::manager, 1};
    loops_.dispatcher().on_message(leader_.replica->store(), kLocalLink, self, "127.0.1.1",
                                   wire::Register{leader_.self, {}}, leader_.core.now);
  }

  TestLeader leader_;
  LeaderLoops loops_{leader_.core, *leader_.replica};
};

TEST_F(LeaderLoopsTest, AServiceGetsItsTasksThroughTheStore) {
  settle();
  create(3);
  EXPECT_GT(settle(), 1) << "created, readied, placed: each loop for itself";
  const auto& tasks = leader_.replica->store().tasks();
  ASSERT_EQ(tasks.size(), 3u);
  for (const auto& [id, task] : tasks) EXPECT_EQ(task->state(), model::TaskState::assigned);
  EXPECT_FALSE(loops_.plan()) << "at rest";
}

TEST_F(LeaderLoopsTest, ALoopHasOneProposalInFlight) {
  settle();
  create(1);
  EXPECT_TRUE(loops_.plan());
  EXPECT_FALSE(loops_.plan()) << "nothing before the outcome of the first";
  EXPECT_FALSE(loops_.settled(12'345, model::Outcome{})) << "an outcome of another part";
  deliver();
  EXPECT_TRUE(loops_.plan()) << "the next loop has something to do now";
}

TEST_F(LeaderLoopsTest, LoopsOfANewLeaderBeginWithTheStore) {
  create(2);
  LeaderLoops next(leader_.core, *leader_.replica);
  EXPECT_TRUE(next.plan()) << "the service came before them";
}

TEST_F(LeaderLoopsTest, WhileTheLogTakesNothingTheLoopsWaitATick) {
  settle();
  create(1);
  raft::Message newer;  // of a leader that was elected meanwhile
  newer.type = raft::MessageType::heartbeat;
  newer.from = 9;
  newer.to = 1;
  newer.term = 50;
  leader_.replica->step(newer);
  leader_.go_on();
  EXPECT_TRUE(loops_.plan()) << "a plan was made, in vain";
  EXPECT_FALSE(loops_.plan());
  EXPECT_EQ(loops_.next_deadline(), leader_.core.now + model::kRaftTick);
  leader_.core.now = leader_.core.now + model::kRaftTick;
  EXPECT_TRUE(loops_.plan()) << "the same again";
}

TEST_F(LeaderLoopsTest, AnAgentWhoseLinkClosesIsNoticed) {
  model::Transaction joined;
  joined.actions.push_back(model::Put{leader_.node(7, model::NodeRole::worker)});
  leader_.replica->propose(std::move(joined));
  deliver();
  const model::Principal agent{ClusterId(9), NodeId(7), model::NodeRole::worker, 0};
  loops_.dispatcher().on_message(leader_.replica->store(), 5, agent, "127.0.1.7",
                                 wire::Register{NodeId(7), {}}, leader_.core.now);
  settle();
  EXPECT_EQ(loops_.dispatcher().link_of(NodeId(7)), 5u);
  loops_.on_link_gone({5, {}, {leader_.core.now, {}}});
  EXPECT_FALSE(loops_.dispatcher().link_of(NodeId(7)));
  EXPECT_LE(loops_.next_deadline(), leader_.core.now + Duration::seconds(60));
}

TEST_F(LeaderLoopsTest, AnEntryIsHeardOfOnceAndInItsOrder) {
  create(1);
  store::ChangeSet again;
  again.version = leader_.replica->store().version();
  const auto refusal = [&] { return failed_check([&] { loops_.observe(again); }); };
  EXPECT_NE(refusal().find("the loops hear of entry"), std::string::npos);
  again.version += 1;
  EXPECT_NE(refusal().find("is not in the store"), std::string::npos);
}

}  // namespace
}  // namespace swarm::node
