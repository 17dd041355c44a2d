// One slot, one task: what becomes of a slot that an update doubled and does not look after any more.

#include "orchestrator/handover.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "orchestrator/plan.hpp"
#include "orchestrator/slots.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

using model::Availability;
using model::NodeState;
using model::UpdateOrder;
using model::UpdateState;

constexpr const char* kOld = "nginx:1";
constexpr const char* kNew = "late:1";

// A start-first update that has paused because its new task does not start.
struct Paused {
  explicit Paused(bool global = false, std::uint64_t replicas = 1) : swarm(global ? 2 : 4) {
    spec = TestSwarm::spec(replicas);
    if (global) spec.mode = model::GlobalMode{};
    spec.update.emplace().parallelism = 1;
    spec.update->order = UpdateOrder::start_first;
    spec.rollback = spec.update;
    spec.task.restart->delay = Duration::seconds(1);
  }
  void begin() {
    swarm.missing_images = {kNew};
    id = swarm.create(spec);
    swarm.settle();
    swarm.update(id, [](auto& next) { next.task.container.edit().image = kNew; });
    swarm.advance(Duration::millis(10'500));
    ASSERT_EQ(swarm.status(id).state, UpdateState::paused);
    ASSERT_EQ(swarm.running_image(id, kOld), swarm.running(id)) << "the old ones stay and serve";
  }
  void comes_up() {
    swarm.missing_images.clear();
    swarm.advance(Duration::seconds(5));
  }
  // Of each slot one is meant to run, and runs.
  void expect_one_each(std::size_t slots) {
    std::set<SlotKey> keys;
    for (const auto& task : swarm.tasks(id)) {
      if (!is_wanted(*task)) continue;
      EXPECT_TRUE(keys.insert(key_of(*task)).second) << "slot " << task->slot << " has two";
      EXPECT_EQ(task->status.state, TaskState::running);
    }
    EXPECT_EQ(keys.size(), slots);
  }
  TaskRef of(const char* image) {
    for (const auto& task : swarm.live(id))
      if (task->spec().container->image == image) return task;
    return nullptr;
  }
  std::uint64_t node_of(const char* image) { return static_cast<std::uint64_t>(of(image)->node_id.value()); }

  TestSwarm swarm;
  model::ServiceSpec spec;
  ServiceId id;
};

TEST(Handover, the_old_task_goes_when_the_new_one_runs_after_all) {
  for (const bool global : {false, true}) {
    Paused one(global, 2);
    one.begin();
    one.comes_up();
    one.expect_one_each(2);
    EXPECT_EQ(one.swarm.running_image(one.id, kNew), 1U) << "it is paused: the other slot keeps its old task";
    EXPECT_EQ(one.swarm.status(one.id).state, UpdateState::paused);
  }
}

TEST(Handover, until_then_the_old_one_stays_whoever_leads) {
  Paused one;
  one.begin();
  for (int minutes = 0; minutes < 5; ++minutes) {
    one.swarm.elect();
    one.swarm.advance(Duration::seconds(60));
    EXPECT_EQ(one.swarm.running_image(one.id, kOld), 1U);
  }
  one.comes_up();
  one.expect_one_each(1);
  EXPECT_EQ(one.swarm.running_image(one.id, kNew), 1U);
}

TEST(Handover, a_new_leader_finds_a_slot_in_which_both_run) {
  for (const bool global : {false, true}) {
    Paused one(global, 2);
    one.begin();
    const auto old = one.of(kOld);
    one.swarm.missing_images.clear();
    one.swarm.leave(one.id, old->slot, static_cast<std::uint64_t>(old->node_id.value()), TaskState::running);
    one.swarm.elect();
    one.swarm.advance(Duration::seconds(3));
    one.expect_one_each(2);
  }
}

TEST(Handover, an_old_task_that_ends_gets_no_heir_beside_one_that_waits_for_its_restart) {
  Paused one;
  one.begin();
  model::TaskStep ends;
  ends.id = one.of(kOld)->id;
  ends.status = one.of(kOld)->status;
  ends.status->state = TaskState::failed;
  one.swarm.step(std::move(ends));
  for (int look = 0; look < 40; ++look) {
    one.swarm.advance(Duration::millis(100));
    const auto tasks = one.swarm.tasks(one.id);
    EXPECT_EQ(std::ranges::count_if(tasks, [](const auto& task) { return is_wanted(*task); }), 1) << look;
  }
  one.comes_up();
  one.expect_one_each(1);
}

TEST(Handover, changes_in_the_pause_leave_one_task_in_a_slot) {
  const std::pair<const char*, void (*)(Paused&)> changes[] = {
      {"drain of the old", [](Paused& one) { one.swarm.set(one.node_of(kOld), Availability::drain); }},
      {"the old one's node is lost", [](Paused& one) { one.swarm.set(one.node_of(kOld), NodeState::down); }},
      {"drain of the new",
       [](Paused& one) {
         if (one.of(kNew) && !one.of(kNew)->node_id.empty())
           one.swarm.set(one.node_of(kNew), Availability::drain);
       }},
      {"scale up",
       [](Paused& one) {
         one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{3}; });
       }},
      {"scale to nothing and back",
       [](Paused& one) {
         one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{0}; });
         one.swarm.advance(Duration::seconds(2));
         one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{3}; });
       }},
      {"rollback", [](Paused& one) { one.swarm.roll_back(one.id); }},
      {"another update",
       [](Paused& one) {
         one.swarm.update(one.id, [](auto& next) { next.task.container.edit().image = "nginx:3"; });
       }},
      {"stop first from now on",
       [](Paused& one) {
         one.swarm.update(one.id, [](auto& next) { next.update->order = UpdateOrder::stop_first; });
       }},
      {"the old task fails",
       [](Paused& one) { one.swarm.fail(one.of(kOld)->id, "task: non-zero exit (1)"); }},
      {"force", [](Paused& one) { one.swarm.update(one.id, [](auto& next) { ++next.task.force_update; }); }},
  };
  for (const bool new_leader : {false, true})
    for (const auto& [what, change] : changes) {
      Paused one;
      one.begin();
      change(one);
      if (new_leader) one.swarm.elect();
      one.swarm.advance(Duration::seconds(5));
      one.comes_up();
      one.swarm.advance(Duration::seconds(60));
      SCOPED_TRACE(what);
      one.expect_one_each(one.swarm.store.service(one.id)->spec.replicas());
    }
}

TEST(Handover, a_node_that_is_paused_in_the_middle_keeps_one) {
  Paused one(true);
  one.swarm.scheduling = true;
  one.id = one.swarm.create(one.spec);
  one.swarm.settle();
  one.swarm.scheduling = false;
  one.swarm.update(one.id, [](auto& next) { next.task.container.edit().image = "nginx:2"; });
  one.swarm.settle();
  const auto fresh = one.of("nginx:2");
  ASSERT_TRUE(fresh);
  const auto node = static_cast<std::uint64_t>(fresh->node_id.value());
  one.swarm.assign(*fresh, node);
  one.swarm.set(node, Availability::pause);
  one.swarm.scheduling = true;
  one.swarm.advance(Duration::seconds(30));
  one.expect_one_each(2);
}

TEST(Handover, of_two_old_tasks_that_wait_for_an_update_the_younger_stays) {
  Paused one;
  one.begin();
  one.swarm.update(one.id, [](auto& next) {
    next.task.container.edit().image = "nginx:3";
    next.task.placement.emplace().constraints = {"node.labels.x==y"};
  });
  one.swarm.scheduling = false;
  one.swarm.advance(Duration::seconds(1));
  const auto old = one.of(kOld);
  const auto fresh = one.of("nginx:3");
  ASSERT_TRUE(old && fresh);
  model::Task between = *old;
  between.id = TaskId(4711);
  between.meta = {};
  between.status.state = TaskState::starting;
  one.swarm.write(between);
  one.swarm.report(between, TaskState::running);
  one.swarm.advance(Duration::seconds(1));
  EXPECT_FALSE(one.swarm.store.task(old->id)->live());
  EXPECT_TRUE(one.swarm.store.task(between.id)->live());
  EXPECT_TRUE(one.swarm.store.task(fresh->id)->live()) << "it is to come";
}

TEST(Handover, a_new_task_on_a_lost_node_ends_no_old_one) {
  Paused one;
  one.begin();
  const TaskId old = one.of(kOld)->id;
  const auto other = one.node_of(kOld) % 4 + 1;
  one.swarm.set(other, NodeState::down);
  one.swarm.leave(one.id, 1, other, TaskState::running);
  one.swarm.advance(Duration::seconds(3));
  EXPECT_TRUE(one.swarm.store.task(old)->live());
}

// The loop restarts such a task before it asks the handover; the rule holds without that, too.
TEST(Handover, a_task_that_has_to_leave_its_node_is_no_heir) {
  TestSwarm swarm;
  const ServiceId id = swarm.create(TestSwarm::spec(1));
  const TaskId old = swarm.leave(id, 1, 1, TaskState::running);
  swarm.update(id, [](auto& next) { next.task.container.edit().image = kNew; });
  swarm.leave(id, 1, 2, TaskState::running);
  for (const auto availability : {Availability::drain, Availability::active}) {
    swarm.set(2, availability);
    Handover handover;
    handover.observe(swarm.store, {nullptr, swarm.store.task(old)});
    Plan plan;
    handover.plan(swarm.store, plan);
    EXPECT_EQ(plan.size(), availability == Availability::active ? 1U : 0U) << "the old one serves";
  }
}

}  // namespace
}  // namespace swarm::orchestrator
