// The rules about slots, broken on purpose: a rule that nothing breaks guards nothing.
#include "sim/check/object_checks.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/container_spec.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;

class SlotRules : public testing::Test {
 protected:
  SlotRules() {
    store::Store empty;
    empty.skip_to(1);
    replica_.begin(empty);
    for (const std::uint64_t id : {1U, 2U}) {
      model::Node node;
      node.id = NodeId(id);
      node.status.state = model::NodeState::ready;
      say({model::Put{node}});
    }
  }
  // One more entry, that much later; what the checker finds.
  std::string say(std::vector<model::Action> actions, Duration later = {}) {
    now_ = now_ + later;
    model::Transaction transaction;
    transaction.time = now_;
    transaction.actions = std::move(actions);
    index_ += 100;
    return replica_.apply({1, index_, raft::EntryType::normal, codec::encode(transaction)}).value_or("");
  }
  void create_service(model::UpdateOrder order, Duration grace = Duration::seconds(10)) {
    model::Service service;
    service.id = ServiceId(1);
    service.spec.annotations.name = "web";
    service.spec.task.container.emplace().stop_grace_period = grace;
    service.spec.mode = model::ReplicatedMode{1};
    service.spec.update.emplace().order = order;
    ASSERT_EQ(say({model::Put{service}}), "");
  }
  static model::Put task(std::uint64_t id, TaskState state, TaskState desired) {
    model::Task task;
    task.id = TaskId(id);
    task.service_id = ServiceId(1);
    task.slot = 1;
    task.node_id = NodeId(id);
    task.status.state = state;
    task.desired_state = desired;
    return model::Put{task};
  }
  static model::TaskStep wish(std::uint64_t id, TaskState desired) {
    model::TaskStep step;
    step.id = TaskId(id);
    step.desired_state = desired;
    return step;
  }
  static model::TaskStep is(std::uint64_t id, TaskState state) {
    model::TaskStep step;
    step.id = TaskId(id);
    step.status.emplace().state = state;
    return step;
  }
  // The first runs and is told to stop, the second is made and waits.
  void replace_first(Duration grace = Duration::seconds(10)) {
    create_service(model::UpdateOrder::stop_first, grace);
    ASSERT_EQ(say({task(1, TaskState::running, TaskState::running)}), "");
    ASSERT_EQ(say({wish(1, TaskState::shutdown), task(2, TaskState::ready, TaskState::ready)}), "");
  }
  static bool blames_start(const std::string& found) {
    return found.find(" may start while ") != std::string::npos;
  }

  Replica replica_;
  std::uint64_t index_ = 1;
  WallTime now_{1'000'000'000'000};
};

TEST_F(SlotRules, nothing_starts_beside_a_task_that_still_may_run) {
  replace_first();
  EXPECT_TRUE(blames_start(say({wish(2, TaskState::running)}, Duration::seconds(50))));
}

TEST_F(SlotRules, it_may_start_when_the_old_one_has_ended) {
  replace_first();
  EXPECT_EQ(say({is(1, TaskState::shutdown)}), "");
  EXPECT_EQ(say({wish(2, TaskState::running)}), "");
}

TEST_F(SlotRules, or_has_had_its_time_and_its_grace) {
  replace_first();
  EXPECT_EQ(say({wish(2, TaskState::running)}, Duration::seconds(60)), "");
}

TEST_F(SlotRules, which_may_be_long) {
  replace_first(Duration::seconds(90));
  EXPECT_TRUE(blames_start(say({wish(2, TaskState::running)}, Duration::seconds(61))));
}

TEST_F(SlotRules, a_node_that_is_down_is_not_waited_for) {
  replace_first();
  model::Node node = *replica_.store().node(NodeId(1));
  node.status.state = model::NodeState::down;
  EXPECT_EQ(say({model::Put{node}}), "");
  EXPECT_EQ(say({wish(2, TaskState::running)}), "");
}

TEST_F(SlotRules, two_run_until_the_new_one_takes_over) {
  create_service(model::UpdateOrder::start_first);
  EXPECT_EQ(say({task(1, TaskState::running, TaskState::running)}), "");
  EXPECT_EQ(say({task(2, TaskState::starting, TaskState::running)}), "");
  EXPECT_EQ(say({is(2, TaskState::running)}, Duration::seconds(60)), "");
  EXPECT_EQ(say({wish(1, TaskState::shutdown)}), "");
  EXPECT_EQ(say({model::Put{*replica_.store().node(NodeId(2))}}, Duration::seconds(60)), "");
}

TEST_F(SlotRules, and_no_longer) {
  create_service(model::UpdateOrder::start_first);
  EXPECT_EQ(say({task(1, TaskState::running, TaskState::running)}), "");
  EXPECT_EQ(say({task(2, TaskState::running, TaskState::running)}), "");
  const std::string found = say({model::Put{*replica_.store().node(NodeId(2))}}, Duration::seconds(11));
  EXPECT_NE(found.find("has two tasks that run and are meant to"), std::string::npos);
}

}  // namespace
}  // namespace swarm::sim
