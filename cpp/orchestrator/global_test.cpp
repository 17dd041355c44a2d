
#include <gtest/gtest.h>
#include <cstdint>
#include <utility>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/transaction.hpp"
#include "orchestrator/slots.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

using model::Availability;
using model::NodeState;

struct Global {
  explicit Global(std::uint64_t nodes = 2) : swarm(nodes) {
    spec = TestSwarm::spec(0);
    spec.mode = model::GlobalMode{};
  }
  void begin() {
    id = swarm.create(spec);
    swarm.settle();
  }
  TaskRef on(std::uint64_t node) {
    for (const auto& task : swarm.live(id))
      if (task->node_id == swarm.node_id(node)) return task;
    return nullptr;
  }
  TestSwarm swarm;
  model::ServiceSpec spec;
  ServiceId id;
};

TEST(Global, one_task_on_each_node_also_on_those_that_come_later) {
  Global global;
  global.begin();
  EXPECT_EQ(global.swarm.running(global.id), 2U);
  global.swarm.add_node(3);
  global.swarm.settle();
  EXPECT_EQ(global.swarm.running(global.id), 3U);
  EXPECT_EQ(global.on(3)->slot, 0U);
}

TEST(Global, the_tasks_of_a_deleted_node_are_deleted) {
  Global global;
  global.begin();
  model::Transaction transaction;
  transaction.actions.push_back(model::Remove::of<model::Node>(global.swarm.node_id(1)));
  global.swarm.apply(std::move(transaction));
  global.swarm.settle();
  EXPECT_EQ(global.swarm.tasks(global.id).size(), 1U);
}

TEST(Global, drained_and_down_nodes_lose_their_task_until_they_are_back) {
  Global global;
  global.begin();
  global.swarm.set(1, Availability::drain);
  global.swarm.set(2, NodeState::down);
  global.swarm.settle();
  EXPECT_EQ(global.swarm.live(global.id).size(), 0U);
  global.swarm.set(1, Availability::active);
  global.swarm.set(2, NodeState::ready);
  global.swarm.settle();
  EXPECT_EQ(global.swarm.running(global.id), 2U);
}

TEST(Global, a_paused_node_keeps_what_it_has_and_gets_nothing_new) {
  Global global;
  global.begin();
  const TaskId kept = global.on(1)->id;
  global.swarm.set(1, Availability::pause);
  global.swarm.update(global.id, [](auto& next) { next.task.container.edit().image = "nginx:2"; });
  global.swarm.advance(Duration::seconds(30));
  EXPECT_EQ(global.on(1)->id, kept) << "not updated";
  EXPECT_EQ(global.on(2)->spec().container->image, "nginx:2");
  EXPECT_EQ(global.swarm.status(global.id).state, model::UpdateState::completed);
  global.swarm.report(*global.on(1), TaskState::failed);
  global.swarm.settle();
  EXPECT_FALSE(global.on(1)) << "not restarted";
  global.swarm.set(1, Availability::active);
  global.swarm.settle();
  EXPECT_EQ(global.swarm.running_image(global.id, "nginx:2"), 2U);
}

TEST(Global, a_node_that_is_paused_during_an_update_is_not_updated) {
  Global global;
  global.spec.update.emplace().parallelism = 1;
  global.spec.update->delay = Duration::seconds(10);
  global.begin();
  global.swarm.update(global.id, [](auto& next) { next.task.container.edit().image = "nginx:2"; });
  global.swarm.settle();
  ASSERT_EQ(global.on(1)->spec().container->image, "nginx:2") << "the first is under way";
  const TaskId kept = global.on(2)->id;
  global.swarm.set(2, Availability::pause);
  global.swarm.advance(Duration::seconds(60));
  ASSERT_TRUE(global.on(2));
  EXPECT_EQ(global.on(2)->id, kept);
  EXPECT_EQ(global.swarm.status(global.id).state, model::UpdateState::completed);
}

TEST(Global, a_node_that_missed_an_update_catches_up) {
  Global global;
  global.begin();
  global.swarm.set(1, Availability::pause);
  global.swarm.update(global.id, [](auto& next) { next.task.container.edit().image = "nginx:2"; });
  global.swarm.advance(Duration::seconds(30));
  global.swarm.set(1, Availability::active);
  global.swarm.advance(Duration::seconds(30));
  EXPECT_EQ(global.swarm.running_image(global.id, "nginx:2"), 2U);
}

TEST(Global, constraints_choose_the_nodes_as_they_change) {
  Global global;
  global.spec.task.placement.emplace().constraints = {"node.labels.zone==a"};
  global.begin();
  EXPECT_EQ(global.swarm.live(global.id).size(), 0U);
  global.swarm.change_node(1, [](model::Node& node) { node.spec.annotations.labels["zone"] = "a"; });
  global.swarm.settle();
  EXPECT_TRUE(global.on(1));
  global.swarm.change_node(1, [](model::Node& node) { node.spec.annotations.labels.clear(); });
  global.swarm.settle();
  EXPECT_EQ(global.swarm.live(global.id).size(), 0U);
}

TEST(Global, restarts_in_place_as_its_policy_says) {
  Global global;
  global.spec.task.restart->max_attempts = 1;
  global.begin();
  global.swarm.report(*global.on(1), TaskState::failed);
  global.swarm.advance(Duration::seconds(1));
  ASSERT_TRUE(global.on(1));
  global.swarm.report(*global.on(1), TaskState::failed);
  global.swarm.advance(Duration::seconds(1));
  EXPECT_FALSE(global.on(1)) << "one attempt";
  EXPECT_TRUE(global.on(2));
  global.swarm.elect();
  global.swarm.change_node(1, [](model::Node& node) { node.spec.annotations.labels["x"] = "y"; });
  global.swarm.settle();
  EXPECT_FALSE(global.on(1)) << "and a change of the node is no new one";
}

TEST(Global, a_new_leader_removes_what_should_not_be) {
  Global global;
  global.id = global.swarm.create(global.spec);
  global.swarm.set(2, Availability::drain);
  global.swarm.leave(global.id, 0, 1, TaskState::running);
  global.swarm.leave(global.id, 0, 1, TaskState::running);
  global.swarm.leave(global.id, 0, 2, TaskState::running);
  const TaskId nowhere = global.swarm.leave(global.id, 0, 9, TaskState::running);
  global.swarm.settle();
  EXPECT_EQ(global.swarm.live(global.id).size(), 1U);
  EXPECT_TRUE(global.on(1));
  EXPECT_FALSE(global.swarm.store.task(nowhere));
}

TEST(Global, a_removed_service_takes_its_tasks_with_it) {
  Global global;
  global.begin();
  global.swarm.remove(global.id);
  global.swarm.advance(Duration::seconds(1));
  EXPECT_TRUE(global.swarm.tasks(global.id).empty());
}

}  // namespace
}  // namespace swarm::orchestrator
