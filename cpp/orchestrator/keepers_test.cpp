// The two loops that look after tasks: the constraint enforcer and the task reaper.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"
#include "model/transaction.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

TEST(ConstraintEnforcer, a_task_whose_node_no_longer_fits_moves) {
  TestSwarm swarm(2);
  auto spec = TestSwarm::spec(1);
  spec.task.placement.emplace().constraints = {"node.labels.zone!=b"};
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  const auto old = swarm.live_in(id, 1);
  const auto node = static_cast<std::uint64_t>(old->node_id.value());
  swarm.set(3 - node, model::Availability::active);
  swarm.scheduling = false;
  swarm.change_node(node, [](model::Node& one) { one.spec.annotations.labels["zone"] = "b"; });
  swarm.settle();
  const auto after = swarm.store.task(old->id);
  EXPECT_EQ(after->status.state, TaskState::rejected);
  EXPECT_EQ(after->status.message, "task rejected by constraint enforcer");
  EXPECT_EQ(after->status.err, "assigned node no longer meets constraints");
  EXPECT_EQ(after->desired_state, TaskState::shutdown);
  EXPECT_NE(swarm.live_in(id, 1)->id, old->id);
}

TEST(ConstraintEnforcer, a_task_that_was_placed_while_its_node_changed_moves) {
  TestSwarm swarm(1);
  swarm.scheduling = false;
  auto spec = TestSwarm::spec(1);
  spec.task.placement.emplace().constraints = {"node.labels.zone!=b"};
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  const auto task = swarm.live_in(id, 1);
  swarm.change_node(1, [](model::Node& one) { one.spec.annotations.labels["zone"] = "b"; });
  swarm.settle();
  model::TaskStep placed;  // by the node as it was before
  placed.id = task->id;
  placed.node_id = NodeId(1);
  placed.status.emplace().state = TaskState::assigned;
  swarm.step(placed);
  swarm.settle();
  EXPECT_EQ(swarm.store.task(task->id)->status.err, "assigned node no longer meets constraints");
}

TEST(ConstraintEnforcer, what_a_shrunken_node_cannot_hold_is_rejected_and_paused_nodes_are_left_alone) {
  TestSwarm swarm(1);
  swarm.change_node(1, [](model::Node& node) { node.description.resources.nano_cpus = 4'000'000'000; });
  auto spec = TestSwarm::spec(3);
  spec.task.resources.emplace().reservations.emplace().nano_cpus = 1'000'000'000;
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.scheduling = false;
  swarm.set(1, model::Availability::pause);
  swarm.change_node(1, [](model::Node& node) { node.description.resources.nano_cpus = 2'000'000'000; });
  swarm.settle();
  EXPECT_EQ(swarm.running(id), 3U);
  swarm.set(1, model::Availability::active);
  swarm.settle();
  EXPECT_EQ(swarm.running(id), 2U);
}

TEST(ConstraintEnforcer, the_memory_that_tasks_reserve_is_counted_together) {
  TestSwarm swarm(1);
  swarm.change_node(1, [](model::Node& node) { node.description.resources.memory_bytes = 4'000; });
  auto spec = TestSwarm::spec(3);
  spec.task.resources.emplace().reservations.emplace().memory_bytes = 1'000;
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.scheduling = false;
  swarm.change_node(1, [](model::Node& node) { node.description.resources.memory_bytes = 2'000; });
  swarm.settle();
  EXPECT_EQ(swarm.running(id), 2U);
}

TEST(TaskReaper, keeps_five_tasks_in_a_slot_the_newest_ones) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  const TaskId first = swarm.live_in(id, 1)->id;
  for (int failure = 0; failure < 8; ++failure) {
    swarm.report(*swarm.live_in(id, 1), TaskState::failed);
    swarm.advance(Duration::seconds(1));
  }
  EXPECT_EQ(swarm.tasks(id).size(), 5U);
  EXPECT_EQ(swarm.running(id), 1U);
  EXPECT_FALSE(swarm.store.task(first));
}

TEST(TaskReaper, the_limit_is_the_clusters_and_negative_means_all) {
  TestSwarm swarm;
  swarm.limit_history(-1);
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  for (int failure = 0; failure < 8; ++failure) {
    swarm.report(*swarm.live_in(id, 1), TaskState::failed);
    swarm.advance(Duration::seconds(1));
  }
  EXPECT_EQ(swarm.tasks(id).size(), 9U);
}

TEST(TaskReaper, what_still_runs_is_no_history_whatever_the_limit) {
  TestSwarm swarm;
  swarm.limit_history(1);
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  const TaskId old = swarm.live_in(id, 1)->id;
  swarm.stubborn_images = {"nginx:1"};
  swarm.update(id, [](auto& spec) { spec.task.container.edit().image = "nginx:2"; });
  swarm.advance(Duration::seconds(1));
  EXPECT_TRUE(swarm.store.task(old)) << "it has not stopped yet";
  EXPECT_EQ(swarm.tasks(id).size(), 2U);
}

// Slots that rest are pruned, too; with Docker only those in which a task is made afterwards.
TEST(TaskReaper, a_limit_that_is_lowered_acts_at_once_and_everywhere) {
  for (const bool global : {false, true}) {
    TestSwarm swarm(2);
    auto spec = TestSwarm::spec(2);
    if (global) spec.mode = model::GlobalMode{};
    const ServiceId id = swarm.create(spec);
    swarm.settle();
    for (int force = 0; force < 6; ++force) {
      swarm.update(id, [](auto& next) { ++next.task.force_update; });
      swarm.advance(Duration::seconds(30));
    }
    const std::pair<std::int64_t, std::size_t> cases[] = {{7, 10}, {4, 8}, {2, 4}, {-1, 4}, {1, 2}, {0, 2}};
    for (const auto& [limit, rows] : cases) {
      swarm.limit_history(limit);
      swarm.advance(Duration::seconds(1));
      EXPECT_EQ(swarm.tasks(id).size(), rows) << limit;
      EXPECT_EQ(swarm.running(id), 2U);
    }
  }
}

TEST(TaskReaper, a_new_leader_prunes_what_the_one_before_left) {
  TestSwarm swarm;
  swarm.limit_history(-1);
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  for (int failure = 0; failure < 8; ++failure) {
    swarm.report(*swarm.live_in(id, 1), TaskState::failed);
    swarm.advance(Duration::seconds(1));
  }
  swarm.limit_history(3);
  swarm.elect();
  swarm.advance(Duration::seconds(1));
  EXPECT_EQ(swarm.tasks(id).size(), 3U);
}

TEST(TaskReaper, a_slot_whose_task_has_run_its_course_keeps_it_whatever_the_limit) {
  TestSwarm swarm;
  swarm.limit_history(0);
  auto spec = TestSwarm::spec(1);
  spec.task.restart->condition = model::RestartCondition::none;
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.report(*swarm.live_in(id, 1), TaskState::complete);
  swarm.advance(Duration::seconds(1));
  swarm.update(id, [](auto& next) { next.annotations.labels["a"] = "b"; });
  swarm.advance(Duration::seconds(1));
  ASSERT_EQ(swarm.tasks(id).size(), 1U);
  EXPECT_EQ(swarm.tasks(id).front()->status.state, TaskState::complete) << "or it would be run again";
}

TEST(TaskReaper, buries_removed_tasks_when_they_have_ended) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(3));
  swarm.settle();
  swarm.stubborn_images = {"nginx:1"};
  swarm.update(id, [](auto& spec) { spec.mode = model::ReplicatedMode{1}; });
  swarm.advance(Duration::seconds(1));
  EXPECT_EQ(swarm.tasks(id).size(), 3U) << "they still run";
  swarm.stubborn_images.clear();
  swarm.advance(Duration::seconds(1));
  EXPECT_EQ(swarm.tasks(id).size(), 1U);
}

TEST(TaskReaper, buries_orphans_only_without_their_service) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  const TaskId orphan = swarm.live_in(id, 1)->id;
  swarm.report(*swarm.store.task(orphan), TaskState::orphaned);
  swarm.advance(Duration::seconds(1));
  EXPECT_TRUE(swarm.store.task(orphan)) << "it belongs to the history of its slot";
  swarm.remove(id);
  swarm.advance(Duration::seconds(1));
  EXPECT_FALSE(swarm.store.task(orphan));
}

TEST(TaskReaper, buries_removed_tasks_that_no_node_has) {
  TestSwarm swarm;
  swarm.scheduling = false;
  const ServiceId id = swarm.create(TestSwarm::spec(3));
  swarm.settle();
  swarm.update(id, [](auto& spec) { spec.mode = model::ReplicatedMode{0}; });
  swarm.advance(Duration::seconds(1));
  EXPECT_TRUE(swarm.tasks(id).empty());
}

TEST(TaskReaper, waits_a_quarter_of_a_second_for_more) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.advance(Duration::seconds(1));
  swarm.update(id, [](auto& spec) { spec.mode = model::ReplicatedMode{0}; });
  swarm.advance(Duration::millis(249));
  EXPECT_EQ(swarm.tasks(id).size(), 1U);
  swarm.advance(Duration::millis(1));
  EXPECT_TRUE(swarm.tasks(id).empty());
}

}  // namespace
}  // namespace swarm::orchestrator
