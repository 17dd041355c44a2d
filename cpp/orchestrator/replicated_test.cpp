#include "orchestrator/replicated.hpp"

#include <gtest/gtest.h>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

using model::Availability;
using model::NodeState;
using model::RestartCondition;

constexpr Duration kSecond = Duration::seconds(1);

std::vector<std::uint64_t> live_slots(const TestSwarm& swarm, ServiceId id) {
  std::vector<std::uint64_t> out;
  for (const auto& task : swarm.live(id)) out.push_back(task->slot);
  return out;
}

TEST(Replicated, fills_slots_from_one_and_scales_up_into_the_free_ones) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(3));
  swarm.settle();
  EXPECT_EQ(live_slots(swarm, id), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(swarm.running(id), 3U);
  swarm.update(id, [](auto& spec) { spec.mode = model::ReplicatedMode{5}; });
  swarm.settle();
  EXPECT_EQ(swarm.running(id), 5U);
  EXPECT_FALSE(swarm.store.service(id)->update_status) << "scaling is no update";
}

TEST(Replicated, makes_many_tasks_in_several_transactions) {
  TestSwarm swarm(0);
  const ServiceId id = swarm.create(TestSwarm::spec(9'000));
  swarm.settle();
  EXPECT_EQ(swarm.live(id).size(), 9'000U);
}

// swarmkit TestReplicatedScaleDown: seven slots on three nodes, one of them nowhere.
TEST(Replicated, scales_down_unplaced_first_then_fullest_node_then_not_running_then_highest) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(7));
  const struct {
    std::uint64_t node;
    TaskState state;
  } tasks[] = {{1, TaskState::running}, {1, TaskState::running},  {1, TaskState::running},
               {2, TaskState::running}, {2, TaskState::starting}, {3, TaskState::starting},
               {0, TaskState::new_}};
  std::uint64_t slot = 0;
  for (const auto& [node, state] : tasks) swarm.leave(id, ++slot, node, state);
  swarm.elect();
  const auto scale = [&](std::uint64_t replicas) {
    swarm.update(id, [&](auto& spec) { spec.mode = model::ReplicatedMode{replicas}; });
    swarm.plan();
    return live_slots(swarm, id);
  };
  EXPECT_EQ(scale(6), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6})) << "the one without a node goes first";
  EXPECT_EQ(scale(5), (std::vector<std::uint64_t>{1, 2, 4, 5, 6})) << "then the fullest node's third";
  EXPECT_EQ(scale(4), (std::vector<std::uint64_t>{1, 2, 4, 6}))
      << "of two second ones, the one that does not run";
  EXPECT_EQ(scale(3), (std::vector<std::uint64_t>{1, 4, 6}));
  EXPECT_EQ(scale(2), (std::vector<std::uint64_t>{1, 4})) << "the one that does not run";
  EXPECT_EQ(scale(1), (std::vector<std::uint64_t>{1})) << "the higher one";
}

TEST(Replicated, a_removed_service_takes_its_tasks_with_it) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(3));
  swarm.settle();
  swarm.remove(id);
  swarm.plan();
  for (const auto& task : swarm.tasks(id)) EXPECT_EQ(task->desired_state, TaskState::remove);
  swarm.advance(kSecond);
  EXPECT_TRUE(swarm.tasks(id).empty());
}

TEST(Replicated, a_task_that_was_taken_away_is_made_again) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(2));
  swarm.settle();
  model::Transaction transaction;
  transaction.actions.push_back(model::Remove::of<model::Task>(swarm.live_in(id, 1)->id));
  swarm.apply(std::move(transaction));
  swarm.settle();
  EXPECT_EQ(live_slots(swarm, id), (std::vector<std::uint64_t>{1, 2}));
}

TEST(Replicated, a_rejected_plan_is_made_again) {
  TestSwarm swarm;
  swarm.create(TestSwarm::spec(3));
  ReplicatedOrchestrator loop(Rng(3));
  loop.start(swarm.store, swarm.now, swarm.wall());
  const auto first = loop.plan(swarm.store, swarm.now, swarm.wall());
  ASSERT_TRUE(first);
  loop.settled(swarm.store, model::Outcome{false, 0, "dropped"}, swarm.now);
  const auto second = loop.plan(swarm.store, swarm.now, swarm.wall());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->actions.size(), first->actions.size());
}

// ---- nodes

TEST(Replicated, only_down_and_drained_nodes_lose_their_tasks) {
  TestSwarm swarm(1);
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  swarm.add_node(2);
  const TaskId first = swarm.live_in(id, 1)->id;
  const auto stays = [&] {
    swarm.settle();
    return swarm.live_in(id, 1)->id == first;
  };
  swarm.set(1, Availability::pause);
  EXPECT_TRUE(stays());
  swarm.set(1, NodeState::unknown);
  EXPECT_TRUE(stays());
  swarm.set(1, NodeState::disconnected);
  EXPECT_TRUE(stays());
  swarm.set(1, NodeState::down);
  EXPECT_FALSE(stays());
  EXPECT_EQ(swarm.store.task(first)->desired_state, TaskState::shutdown);
  EXPECT_EQ(swarm.live_in(id, 1)->node_id, swarm.node_id(2));
  EXPECT_EQ(swarm.running(id), 1U) << "nobody waits for the old task on a node that is down";
}

TEST(Replicated, a_drain_skips_the_restart_delay_and_waits_for_the_old_task) {
  TestSwarm swarm(2);
  auto spec = TestSwarm::spec(1);
  spec.task.restart->delay = Duration::seconds(300);
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  const auto old = swarm.live_in(id, 1);
  swarm.stubborn_images = {"nginx:1"};
  swarm.set(static_cast<std::uint64_t>(old->node_id.value()), Availability::drain);
  swarm.advance(Duration::seconds(59));
  EXPECT_EQ(swarm.live_in(id, 1)->status.state, TaskState::ready) << "the old one still runs";
  swarm.report(*swarm.store.task(old->id), TaskState::shutdown);
  swarm.settle();
  EXPECT_EQ(swarm.running(id), 1U);
}

TEST(Replicated, an_old_task_that_does_not_stop_is_waited_for_a_minute) {
  TestSwarm swarm(2);
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  swarm.settle();
  swarm.stubborn_images = {"nginx:1"};
  swarm.set(static_cast<std::uint64_t>(swarm.live_in(id, 1)->node_id.value()), Availability::drain);
  swarm.advance(Duration::millis(59'999));
  EXPECT_EQ(swarm.running(id), 0U);
  swarm.advance(Duration::millis(1));
  EXPECT_EQ(swarm.running(id), 1U);
}

// ---- restarts

ServiceId one_task(TestSwarm& swarm, RestartCondition condition) {
  auto spec = TestSwarm::spec(1);
  spec.task.restart->condition = condition;
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  return id;
}

TEST(Restart, condition_decides_and_the_ended_task_is_told_to_stop_always) {
  const struct {
    RestartCondition condition;
    TaskState end;
    bool again;
  } cases[] = {{RestartCondition::any, TaskState::failed, true},
               {RestartCondition::any, TaskState::complete, true},
               {RestartCondition::on_failure, TaskState::failed, true},
               {RestartCondition::on_failure, TaskState::complete, false},
               {RestartCondition::none, TaskState::failed, false},
               {RestartCondition::none, TaskState::complete, false},
               {RestartCondition::on_failure, TaskState::rejected, true}};
  for (const auto& [condition, end, again] : cases) {
    TestSwarm swarm;
    const ServiceId id = one_task(swarm, condition);
    const auto first = swarm.live_in(id, 1);
    swarm.report(*first, end);
    swarm.settle();
    EXPECT_EQ(swarm.running(id), again ? 1U : 0U) << model::to_string(end);
    EXPECT_EQ(swarm.store.task(first->id)->desired_state, TaskState::shutdown);
  }
}

TEST(Restart, an_absent_policy_means_any_after_five_seconds) {
  TestSwarm swarm;
  auto spec = TestSwarm::spec(1);
  spec.task.restart.reset();
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.report(*swarm.live_in(id, 1), TaskState::complete);
  swarm.settle();
  ASSERT_TRUE(swarm.live_in(id, 1)) << "made at once";
  EXPECT_EQ(swarm.live_in(id, 1)->status.state, TaskState::ready) << "and held";
  swarm.advance(Duration::millis(4'999));
  EXPECT_EQ(swarm.live_in(id, 1)->desired_state, TaskState::ready);
  swarm.advance(Duration::millis(1));
  EXPECT_EQ(swarm.running(id), 1U);
}

TEST(Restart, a_new_leader_goes_on_with_what_is_left_of_the_delay) {
  TestSwarm swarm;
  auto spec = TestSwarm::spec(1);
  spec.task.restart->delay = Duration::seconds(10);
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.report(*swarm.live_in(id, 1), TaskState::failed);
  swarm.advance(Duration::seconds(6));
  swarm.elect();
  swarm.advance(Duration::millis(3'999));
  EXPECT_EQ(swarm.running(id), 0U);
  swarm.advance(Duration::millis(1));
  EXPECT_EQ(swarm.running(id), 1U);
}

TEST(Restart, a_replacement_that_is_rejected_in_its_delay_makes_no_storm) {
  TestSwarm swarm;
  auto spec = TestSwarm::spec(1);
  spec.task.restart->delay = Duration::seconds(5);
  const ServiceId id = swarm.create(spec);
  swarm.missing_images = {"nginx:1"};
  swarm.advance(Duration::seconds(14));
  EXPECT_EQ(swarm.tasks(id).size(), 4U) << "at 0 two, at 5 and at 10 seconds one more";
}

TEST(Restart, attempts_are_counted_per_spec_version_and_survive_the_leader) {
  TestSwarm swarm;
  auto spec = TestSwarm::spec(1);
  spec.task.restart->max_attempts = 2;
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  for (int failure = 0; failure < 3; ++failure) {
    ASSERT_EQ(swarm.running(id), 1U) << failure;
    swarm.report(*swarm.live_in(id, 1), TaskState::failed);
    swarm.elect();
    swarm.advance(kSecond);
  }
  EXPECT_EQ(swarm.live(id).size(), 0U) << "two restarts, and no third";
  EXPECT_EQ(swarm.tasks(id).size(), 3U) << "the history that counts them is kept";
  swarm.elect();
  swarm.advance(kSecond);
  EXPECT_EQ(swarm.live(id).size(), 0U) << "nor by a new leader";
  swarm.update(id, [](auto& next) { ++next.task.force_update; });
  swarm.advance(kSecond);
  EXPECT_EQ(swarm.running(id), 1U) << "a new version begins anew";
}

TEST(Restart, attempts_outside_the_window_are_forgotten) {
  TestSwarm swarm;
  auto spec = TestSwarm::spec(1);
  spec.task.restart->max_attempts = 1;
  spec.task.restart->window = Duration::seconds(10);
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.report(*swarm.live_in(id, 1), TaskState::failed);
  swarm.advance(Duration::seconds(11));
  ASSERT_EQ(swarm.running(id), 1U);
  swarm.report(*swarm.live_in(id, 1), TaskState::failed);
  swarm.advance(Duration::seconds(5));
  ASSERT_EQ(swarm.running(id), 1U) << "the first restart was eleven seconds ago";
  swarm.report(*swarm.live_in(id, 1), TaskState::failed);
  swarm.advance(Duration::seconds(5));
  EXPECT_EQ(swarm.running(id), 0U) << "the second only five";
}

// ---- what a new leader finds

TEST(Initialization, ended_tasks_and_tasks_on_lost_nodes_are_replaced_the_others_kept) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(4));
  swarm.set(3, NodeState::down);
  const TaskId kept = swarm.leave(id, 1, 1, TaskState::running);
  const TaskId failed = swarm.leave(id, 2, 1, TaskState::failed);
  const TaskId rejected = swarm.leave(id, 3, 2, TaskState::rejected);
  const TaskId lost = swarm.leave(id, 4, 3, TaskState::running);
  swarm.settle();
  EXPECT_EQ(swarm.live_in(id, 1)->id, kept);
  for (const TaskId old : {failed, rejected, lost})
    EXPECT_EQ(swarm.store.task(old)->desired_state, TaskState::shutdown);
  EXPECT_EQ(swarm.running(id), 4U);
}

TEST(Initialization, tasks_without_a_service_are_removed) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(2));
  swarm.settle();
  swarm.remove(id);
  swarm.elect();
  swarm.advance(kSecond);
  EXPECT_TRUE(swarm.tasks(id).empty());
}

TEST(Initialization, nothing_to_do_is_nothing_done) {
  TestSwarm swarm;
  swarm.create(TestSwarm::spec(5));
  swarm.advance(kSecond);
  swarm.elect();
  EXPECT_FALSE(swarm.plan());
}

}  // namespace
}  // namespace swarm::orchestrator
