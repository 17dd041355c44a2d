#include "orchestrator/update.hpp"

#include <gtest/gtest.h>
#include <cstdint>
#include <utility>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/transaction.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

using model::FailureAction;
using model::UpdateOrder;
using model::UpdateState;

constexpr const char* kOld = "nginx:1";
constexpr const char* kNew = "nginx:2";

struct Rolling {
  explicit Rolling(std::uint64_t replicas = 4) {
    spec = TestSwarm::spec(replicas);
    spec.update.emplace().parallelism = 1;
    spec.update->monitor = Duration::seconds(5);
    spec.rollback = spec.update;
  }
  void begin() {
    id = swarm.create(spec);
    swarm.settle();
    ASSERT_EQ(swarm.running_image(id, kOld), spec.replicas());
    swarm.update(id, [](auto& next) { next.task.container.edit().image = kNew; });
  }
  model::UpdateState state() { return swarm.status(id).state; }

  TestSwarm swarm;
  model::ServiceSpec spec;
  ServiceId id;
};

TEST(Update, goes_slot_by_slot_and_completes_after_the_monitor_period) {
  Rolling rolling;
  rolling.spec.update->delay = Duration::seconds(2);
  rolling.begin();
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 1U);
  EXPECT_EQ(rolling.state(), UpdateState::updating);
  EXPECT_EQ(rolling.swarm.status(rolling.id).message, "update in progress");
  rolling.swarm.advance(Duration::millis(1'999));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 1U) << "the delay";
  rolling.swarm.advance(Duration::millis(1));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 2U);
  rolling.swarm.advance(Duration::seconds(4));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 4U);
  rolling.swarm.advance(Duration::seconds(6));
  EXPECT_EQ(rolling.state(), UpdateState::updating) << "one more delay, and still watched";
  rolling.swarm.advance(Duration::seconds(1));
  EXPECT_EQ(rolling.state(), UpdateState::completed);
  EXPECT_EQ(rolling.swarm.status(rolling.id).message, "update completed");
  EXPECT_EQ(rolling.swarm.running(rolling.id), 4U);
}

TEST(Update, parallelism_is_a_limit_and_zero_is_none) {
  for (const std::uint64_t parallelism : {2U, 0U}) {
    Rolling rolling;
    rolling.spec.update->parallelism = parallelism;
    rolling.swarm.stubborn_images = {kOld};
    rolling.begin();
    rolling.swarm.settle();
    EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), parallelism == 0 ? 0U : 4 - parallelism);
    EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 0U) << "stop first: the old ones still stop";
  }
}

TEST(Update, start_first_stops_the_old_task_when_the_new_one_runs) {
  Rolling rolling(1);
  rolling.spec.update->order = UpdateOrder::start_first;
  rolling.begin();
  rolling.swarm.scheduling = false;
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.live(rolling.id).size(), 2U);
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 1U);
  rolling.swarm.elect();  // a new leader does not stop it either
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 1U);
  rolling.swarm.scheduling = true;
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 1U);
  EXPECT_EQ(rolling.swarm.live(rolling.id).size(), 1U);
}

TEST(Update, start_first_makes_no_third_task_when_the_old_one_fails_meanwhile) {
  Rolling rolling(1);
  rolling.spec.update->order = UpdateOrder::start_first;
  rolling.begin();
  rolling.swarm.scheduling = false;
  rolling.swarm.settle();
  ASSERT_EQ(rolling.swarm.tasks(rolling.id).size(), 2U);
  for (const auto& task : rolling.swarm.live(rolling.id))
    if (task->spec().container->image == kOld) rolling.swarm.report(*task, TaskState::failed);
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.live(rolling.id).size(), 1U) << "the slot has its next task already";
  EXPECT_EQ(rolling.swarm.tasks(rolling.id).size(), 2U);
}

TEST(Update, a_new_task_that_cannot_be_placed_holds_the_update_up) {
  Rolling rolling;
  rolling.begin();
  rolling.swarm.scheduling = false;
  rolling.swarm.advance(Duration::seconds(600));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 3U);
  EXPECT_EQ(rolling.state(), UpdateState::updating);
  rolling.swarm.update(rolling.id, [](auto& next) { next.task.container.edit().image = "nginx:3"; });
  rolling.swarm.scheduling = true;
  rolling.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, "nginx:3"), 4U) << "another update frees it";
}

// ---- failures

TEST(Update, pauses_on_the_first_failure_by_default_until_somebody_acts) {
  Rolling rolling;
  rolling.spec.task.restart->delay = Duration::seconds(5);
  rolling.swarm.broken_images = {kNew};
  rolling.begin();
  rolling.swarm.advance(Duration::seconds(1));
  EXPECT_EQ(rolling.state(), UpdateState::paused);
  EXPECT_EQ(rolling.swarm.status(rolling.id)
                .message.find("update paused due to failure or early termination of task "),
            0U);
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 3U);
  rolling.swarm.elect();
  rolling.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 3U);
  rolling.swarm.roll_back(rolling.id);
  rolling.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 4U);
  EXPECT_EQ(rolling.state(), UpdateState::rollback_completed);
  EXPECT_EQ(rolling.swarm.status(rolling.id).message, "rollback completed");
}

TEST(Update, continues_where_it_is_told_to) {
  Rolling rolling;
  rolling.spec.update->failure_action = FailureAction::continue_;
  rolling.spec.task.restart->delay = Duration::seconds(5);
  rolling.swarm.broken_images = {kNew};
  rolling.begin();
  rolling.swarm.advance(Duration::seconds(30));
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 0U);
  EXPECT_EQ(rolling.state(), UpdateState::completed);
}

TEST(Update, rolls_back_with_the_restored_specs_own_settings) {
  Rolling rolling;
  rolling.spec.update->failure_action = FailureAction::rollback;
  rolling.spec.rollback->parallelism = 0;
  rolling.begin();
  rolling.swarm.settle();
  const std::uint64_t version = rolling.swarm.store.service(rolling.id)->spec_version;
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 2),
                       TaskState::complete);  // ending early is failing
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::rollback_started);
  EXPECT_EQ(rolling.swarm.status(rolling.id).message.find("update rolled back due to failure"), 0U);
  const auto service = rolling.swarm.store.service(rolling.id);
  EXPECT_EQ(service->spec.task.container->image, kOld);
  EXPECT_NE(service->spec_version, version);
  EXPECT_FALSE(service->previous_spec) << "there is no way on from here";
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kOld), 4U);
  rolling.swarm.advance(Duration::seconds(10));
  EXPECT_EQ(rolling.state(), UpdateState::rollback_completed);
}

TEST(Update, a_rollback_that_fails_pauses_and_stays_so) {
  Rolling rolling;
  rolling.spec.update->failure_action = rolling.spec.rollback->failure_action = FailureAction::rollback;
  rolling.spec.task.restart->delay = Duration::seconds(1);
  rolling.begin();
  rolling.swarm.settle();
  rolling.swarm.broken_images = {kOld, kNew};
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 1), TaskState::failed);
  rolling.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(rolling.state(), UpdateState::rollback_paused);
  EXPECT_EQ(rolling.swarm.status(rolling.id).message.find("rollback paused due to failure"), 0U);
}

// The new task of slot 1 fails beside the old one, so that the rollback goes on; the old one of slot 2 is
// lost.
TEST(Update, a_rollback_gives_a_slot_that_was_given_up_one_chance) {
  TestSwarm swarm(2);
  model::ServiceSpec spec = TestSwarm::spec(2);
  spec.task.restart->max_attempts = 1;
  spec.update.emplace().order = UpdateOrder::start_first;
  spec.rollback.emplace().order = UpdateOrder::start_first;
  spec.rollback->failure_action = FailureAction::continue_;
  swarm.missing_images = {kOld};
  const ServiceId id = swarm.create(spec);
  swarm.settle();
  swarm.update(id, [](auto& next) { next.task.container.edit().image = kNew; });
  swarm.advance(Duration::seconds(60));
  ASSERT_EQ(swarm.running_image(id, kNew), 2U);
  swarm.roll_back(id);
  swarm.settle();
  swarm.set(static_cast<std::uint64_t>(swarm.live_in(id, 2)->node_id.value()), model::NodeState::down);
  swarm.settle();
  ASSERT_EQ(swarm.status(id).state, UpdateState::rollback_started);
  EXPECT_FALSE(swarm.live_in(id, 2)) << "it had its chance";
  swarm.scheduling = false;
  swarm.elect();
  swarm.settle();
  EXPECT_FALSE(swarm.live_in(id, 2)) << "and gets no other one from a new leader";
}

TEST(Update, a_failure_after_the_monitor_period_or_of_an_old_task_does_not_count) {
  Rolling rolling(3);
  rolling.spec.update->delay = Duration::seconds(20);
  rolling.begin();
  rolling.swarm.settle();
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 3), TaskState::failed);  // old
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::updating);
  Rolling late(2);
  late.spec.update->delay = Duration::seconds(4);
  late.begin();
  late.swarm.advance(Duration::seconds(6));  // the second slot's turn; the first task is six seconds old
  late.swarm.report(*late.swarm.live_in(late.id, 1), TaskState::failed);
  late.swarm.settle();
  EXPECT_EQ(late.state(), UpdateState::updating);
}

TEST(Update, a_slot_is_watched_until_the_next_one_begins_however_long_the_delay_is) {
  Rolling rolling(2);
  rolling.spec.update->delay = Duration::seconds(20);
  rolling.begin();
  rolling.swarm.advance(Duration::seconds(19));
  ASSERT_EQ(rolling.swarm.running_image(rolling.id, kNew), 1U);
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 1), TaskState::failed);
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::paused) << "the monitor period alone is over";
}

TEST(Update, a_new_task_that_loses_its_node_is_no_failure) {
  Rolling rolling(2);
  rolling.begin();
  rolling.swarm.settle();
  const auto fresh = rolling.swarm.live_in(rolling.id, 2);
  rolling.swarm.set(static_cast<std::uint64_t>(fresh->node_id.value()), model::Availability::drain);
  rolling.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(rolling.state(), UpdateState::completed);
}

TEST(Update, the_failure_ratio_is_strict_and_exact) {
  EXPECT_TRUE(exceeds_ratio(1, 10, 0));
  EXPECT_FALSE(exceeds_ratio(1, 10, 0.1));
  EXPECT_TRUE(exceeds_ratio(2, 10, 0.1));
  EXPECT_FALSE(exceeds_ratio(3, 10, 0.3));
  EXPECT_FALSE(exceeds_ratio(10, 10, 1));
  Rolling rolling;
  rolling.spec.update->max_failure_ratio = 0.25;
  rolling.spec.update->parallelism = 0;
  rolling.begin();
  rolling.swarm.settle();
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 1), TaskState::failed);
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::updating);
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 2), TaskState::failed);
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::paused);
}

TEST(Update, that_fails_says_why) {
  for (const bool rolls_back : {false, true}) {
    Rolling rolling;
    if (rolls_back) rolling.spec.update->failure_action = FailureAction::rollback;
    rolling.begin();
    rolling.swarm.settle();
    const TaskId fresh = rolling.swarm.live_in(rolling.id, 1)->id;
    rolling.swarm.fail(fresh, "No such image: redis:7");
    const std::string because =
        " due to failure or early termination of task " + fresh.str() + ": No such image: redis:7";
    rolling.swarm.settle();
    EXPECT_EQ(rolling.swarm.status(rolling.id).message,
              (rolls_back ? "update rolled back" : "update paused") + because);
    if (!rolls_back) continue;
    rolling.swarm.elect();
    rolling.swarm.advance(Duration::seconds(60));
    EXPECT_EQ(rolling.state(), UpdateState::rollback_completed);
    EXPECT_EQ(rolling.swarm.status(rolling.id).message, "rollback completed: update rolled back" + because);
  }
}

TEST(Update, a_rollback_that_fails_says_why) {
  Rolling rolling;
  rolling.spec.rollback->failure_action = FailureAction::pause;
  rolling.begin();
  rolling.swarm.advance(Duration::seconds(60));
  rolling.swarm.roll_back(rolling.id);
  rolling.swarm.settle();
  for (const auto& task : rolling.swarm.live(rolling.id))
    if (task->spec().container->image == kOld) rolling.swarm.fail(task->id, "port 80 is in use");
  rolling.swarm.settle();
  EXPECT_EQ(rolling.state(), UpdateState::rollback_paused);
  EXPECT_TRUE(rolling.swarm.status(rolling.id).message.ends_with(": port 80 is in use"));
}

TEST(Update, a_new_task_that_completes_early_is_a_failure_without_an_error) {
  Rolling rolling;
  rolling.begin();
  rolling.swarm.settle();
  rolling.swarm.report(*rolling.swarm.live_in(rolling.id, 1), TaskState::complete);
  rolling.swarm.settle();
  EXPECT_TRUE(rolling.swarm.status(rolling.id).message.ends_with(": task: ended early, exit (0)"));
}

TEST(Update, new_tasks_that_move_or_are_lost_are_no_failures) {
  const std::pair<TaskState, const char*> ends[] = {{TaskState::failed, model::kLostWithNode},
                                                    {TaskState::rejected, model::kNoLongerFits},
                                                    {TaskState::shutdown, "shutdown"},
                                                    {TaskState::orphaned, "started"}};
  for (const auto& [state, message] : ends) {
    Rolling rolling(2);
    rolling.begin();
    rolling.swarm.settle();
    model::TaskStep step;
    step.id = rolling.swarm.live_in(rolling.id, 1)->id;
    step.status = rolling.swarm.store.task(step.id)->status;
    step.status->state = state;
    step.status->message = message;
    rolling.swarm.step(std::move(step));
    rolling.swarm.advance(Duration::seconds(60));
    EXPECT_EQ(rolling.state(), UpdateState::completed) << message;
    EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 2U);
  }
}

// ---- what an update touches

TEST(Update, only_the_task_spec_and_the_endpoint_make_a_task_outdated) {
  Rolling rolling;
  rolling.begin();
  rolling.swarm.advance(Duration::seconds(60));
  const auto before = rolling.swarm.live_in(rolling.id, 1)->id;
  const auto untouched = [&](auto&& change) {
    rolling.swarm.update(rolling.id, change);
    rolling.swarm.advance(Duration::seconds(60));
    return rolling.swarm.live_in(rolling.id, 1)->id == before;
  };
  EXPECT_TRUE(untouched([](auto& next) { next.annotations.labels["a"] = "b"; }));
  EXPECT_TRUE(untouched([](auto& next) { next.update->parallelism = 7; }));
  EXPECT_TRUE(untouched([](auto& next) { next.mode = model::ReplicatedMode{2}; }));
  EXPECT_TRUE(
      untouched([](auto& next) { next.task.placement.emplace().constraints = {"node.hostname!=n9"}; }));
  EXPECT_FALSE(untouched([](auto& next) { ++next.task.force_update; }));
}

TEST(Update, a_rollback_of_a_scale_touches_no_task_and_completes_at_once) {
  Rolling rolling;
  rolling.id = rolling.swarm.create(rolling.spec);
  rolling.swarm.settle();
  rolling.swarm.update(rolling.id, [](auto& next) { next.mode = model::ReplicatedMode{6}; });
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.running(rolling.id), 6U);
  rolling.swarm.roll_back(rolling.id);
  rolling.swarm.settle();
  EXPECT_EQ(rolling.swarm.running(rolling.id), 4U);
  EXPECT_EQ(rolling.state(), UpdateState::rollback_completed);
}

TEST(Update, a_new_leader_finishes_it) {
  Rolling rolling;
  rolling.spec.update->delay = Duration::seconds(2);
  rolling.begin();
  for (int second = 0; second < 30; ++second) {
    rolling.swarm.advance(Duration::seconds(1));
    if (second < 8) rolling.swarm.elect();
  }
  EXPECT_EQ(rolling.swarm.running_image(rolling.id, kNew), 4U);
  EXPECT_EQ(rolling.state(), UpdateState::completed);
}

}  // namespace
}  // namespace swarm::orchestrator
