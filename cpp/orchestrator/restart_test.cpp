// Restart attempts are counted in the task and handed on: what costs one, what does not, and where the count
// is kept. And how long a replacement waits for the task before it.

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service_spec.hpp"
#include "model/transaction.hpp"
#include "orchestrator/slots.hpp"
#include "orchestrator/test_swarm.hpp"

namespace swarm::orchestrator {
namespace {

using model::Availability;
using model::NodeState;

constexpr Duration kSecond = Duration::seconds(1);
constexpr const char* kImage = "nginx:1";

// One slot with a bounded number of attempts.
struct Bounded {
  explicit Bounded(std::uint64_t attempts, std::uint64_t nodes = 3) : swarm(nodes) {
    spec = TestSwarm::spec(1);
    spec.task.restart->max_attempts = attempts;
  }
  void begin() {
    id = swarm.create(spec);
    swarm.settle();
    ASSERT_EQ(swarm.running(id), 1U);
  }
  TaskRef task() { return swarm.live(id).empty() ? nullptr : swarm.live(id).front(); }
  std::uint64_t node() { return static_cast<std::uint64_t>(task()->node_id.value()); }
  void end(TaskState state = TaskState::failed, const char* message = "started") {
    model::TaskStep step;
    step.id = task()->id;
    step.status = task()->status;
    step.status->state = state;
    step.status->message = message;
    step.status->timestamp = swarm.wall();
    swarm.step(std::move(step));
    swarm.advance(kSecond);
  }
  bool runs() { return swarm.running(id) == 1; }
  TaskRef last() {
    const auto all = swarm.tasks(id);
    return *std::max_element(all.begin(), all.end(), made_before);
  }

  TestSwarm swarm;
  model::ServiceSpec spec;
  ServiceId id;
};

// Long: one story, a move after the other on the same slot.
TEST(Attempts, moves_cost_none) {
  const std::pair<const char*, void (*)(Bounded&)> moves[] = {
      {"drain",
       [](Bounded& one) {
         const auto node = one.node();
         one.swarm.set(node, Availability::drain);
         one.swarm.advance(kSecond);
         one.swarm.set(node, Availability::active);
       }},
      {"its node is down",
       [](Bounded& one) {
         const auto node = one.node();
         one.swarm.set(node, NodeState::down);
         one.swarm.advance(kSecond);
         one.swarm.set(node, NodeState::ready);
       }},
      {"its node is removed",
       [](Bounded& one) {
         const auto node = one.node();
         one.swarm.report(*one.task(), TaskState::orphaned);
         model::Transaction transaction;
         transaction.actions.push_back(model::Remove::of<model::Node>(one.swarm.node_id(node)));
         one.swarm.apply(std::move(transaction));
         one.swarm.advance(kSecond);
         one.swarm.add_node(node);
       }},
      {"a label of its node",
       [](Bounded& one) {
         const auto node = one.node();
         one.swarm.change_node(node, [](auto& next) { next.spec.annotations.labels["zone"] = "b"; });
         one.swarm.advance(kSecond);
         one.swarm.change_node(node, [](auto& next) { next.spec.annotations.labels.clear(); });
       }},
      {"its node stops in order", [](Bounded& one) { one.end(TaskState::shutdown, "shutdown"); }},
      {"its node is started again", [](Bounded& one) { one.end(TaskState::failed, model::kLostWithNode); }},
      {"a scale, and back",
       [](Bounded& one) {
         for (const std::uint64_t replicas : {3U, 1U}) {
           one.swarm.update(one.id, [&](auto& next) { next.mode = model::ReplicatedMode{replicas}; });
           one.swarm.advance(kSecond);
         }
       }},
      {"a new leader", [](Bounded& one) { one.swarm.elect(); }},
  };
  for (const auto& [what, move] : moves) {
    Bounded one(1);
    one.spec.task.placement.emplace().constraints = {"node.labels.zone!=b"};
    one.begin();
    for (int times = 0; times < 3; ++times) {
      move(one);
      one.swarm.advance(kSecond);
      ASSERT_TRUE(one.runs()) << what << ", the " << times << "th";
    }
    one.end();
    EXPECT_TRUE(one.runs()) << what << ": the one attempt is still there";
  }
}

TEST(Attempts, moves_forget_none) {
  Bounded one(2);
  one.begin();
  one.end();
  one.swarm.set(one.node(), Availability::drain);
  one.swarm.advance(kSecond);
  one.swarm.elect();
  one.end();
  EXPECT_TRUE(one.runs());
  one.end();
  EXPECT_FALSE(one.runs()) << "the first failure, and two restarts";
  EXPECT_TRUE(model::attempts_used_up(*one.last()));
}

TEST(Attempts, an_update_begins_anew_and_force_too) {
  Bounded one(1);
  one.begin();
  for (int version = 0; version < 3; ++version) {
    one.end();
    EXPECT_TRUE(one.runs());
    one.end();
    EXPECT_FALSE(one.runs());
    one.swarm.update(one.id, [](auto& next) { ++next.task.force_update; });
    one.swarm.advance(kSecond);
    EXPECT_TRUE(one.runs());
  }
}

TEST(Attempts, a_scale_does_not_revive_a_slot_that_has_used_them_up) {
  Bounded one(1);
  one.begin();
  one.end();
  one.end();
  one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{2}; });
  one.swarm.advance(kSecond);
  EXPECT_EQ(one.swarm.running(one.id), 1U) << "the new slot";
  for (const std::uint64_t replicas : {0U, 3U}) {
    one.swarm.update(one.id, [&](auto& next) { next.mode = model::ReplicatedMode{replicas}; });
    one.swarm.advance(kSecond);
    EXPECT_EQ(one.swarm.running(one.id), replicas) << "from nothing all begin anew";
  }
}

// Docker keeps attempts + 1 rows of each slot to count by.
TEST(Attempts, are_counted_whatever_the_history_limit) {
  for (const std::int64_t limit : {0, 1, 2, 5, -1}) {
    Bounded one(30);
    one.swarm.limit_history(limit);
    one.begin();
    int failures = 0;
    for (; one.runs() && failures < 100; ++failures) {
      one.end();
      one.swarm.elect();
      one.swarm.advance(kSecond);
      if (limit >= 0) {
        EXPECT_LE(one.swarm.tasks(one.id).size(), std::max<std::size_t>(1, limit)) << limit;
      }
    }
    EXPECT_EQ(failures, 31) << limit;
    EXPECT_EQ(one.swarm.tasks(one.id).size(), limit < 0 ? 31U : std::max<std::size_t>(1, limit));
    EXPECT_TRUE(model::attempts_used_up(*one.last())) << "its last task stays to say so";
    one.swarm.elect();
    one.swarm.advance(Duration::seconds(60));
    EXPECT_FALSE(one.runs());
  }
}

TEST(Attempts, a_window_that_is_shorter_than_the_delay_ends_too) {
  Bounded one(2);
  one.spec.task.restart->window = Duration::millis(500);
  one.spec.task.restart->delay = Duration::seconds(1);
  one.swarm.broken_images = {kImage};
  one.id = one.swarm.create(one.spec);
  one.swarm.advance(Duration::seconds(60));
  EXPECT_EQ(one.swarm.tasks(one.id).size(), 3U);
  EXPECT_TRUE(one.swarm.live(one.id).empty());
}

TEST(Attempts, of_a_global_service_are_counted_node_by_node) {
  Bounded one(2, 1);
  one.spec.mode = model::GlobalMode{};
  one.swarm.limit_history(1);
  one.begin();
  for (int moves = 0; moves < 3; ++moves) {
    one.swarm.set(1, moves % 2 == 0 ? Availability::drain : Availability::active);
    one.swarm.set(1, moves % 2 == 0 ? NodeState::ready : NodeState::down);
    one.swarm.advance(kSecond);
    one.swarm.set(1, Availability::active);
    one.swarm.set(1, NodeState::ready);
    one.swarm.advance(kSecond);
    ASSERT_TRUE(one.runs());
  }
  one.end();
  ASSERT_TRUE(one.runs());
  one.swarm.set(1, Availability::drain);
  one.swarm.advance(kSecond);
  one.swarm.set(1, Availability::active);
  one.swarm.advance(kSecond);
  one.end();
  ASSERT_TRUE(one.runs()) << "two";
  one.end();
  EXPECT_FALSE(one.runs());
  one.swarm.elect();
  one.swarm.set(1, Availability::drain);
  one.swarm.set(1, Availability::active);
  one.swarm.advance(kSecond);
  EXPECT_FALSE(one.runs()) << "nor after a drain";
}

TEST(Attempts, tasks_of_an_older_log_have_none_behind_them) {
  Bounded one(1);
  one.id = one.swarm.create(one.spec);
  for (int dead = 0; dead < 4; ++dead) {
    one.swarm.leave(one.id, 1, 1, TaskState::failed, TaskState::shutdown);
    one.swarm.now = one.swarm.now + kSecond;
  }
  one.swarm.leave(one.id, 1, 1, TaskState::running);
  one.swarm.settle();
  one.end();
  EXPECT_TRUE(one.runs());
  one.end();
  EXPECT_FALSE(one.runs());
}

TEST(Attempts, a_new_leader_knows_that_a_drain_has_no_delay) {
  Bounded one(0);
  one.spec.task.restart->delay = Duration::seconds(300);
  one.begin();
  one.swarm.stubborn_images = {kImage};
  one.swarm.set(one.node(), Availability::drain);
  one.swarm.plan();
  one.swarm.elect();
  one.swarm.stubborn_images.clear();
  one.swarm.advance(kSecond);
  EXPECT_TRUE(one.runs());
}

// ---- the wait for the old task

// Its task is told to stop, and does not.
struct Stopping {
  explicit Stopping(std::optional<Duration> grace) {
    spec = TestSwarm::spec(1);
    spec.task.container.edit().stop_grace_period = grace;
    id = swarm.create(spec);
    swarm.settle();
    old = swarm.live_in(id, 1)->id;
    swarm.stubborn_images = {kImage};
  }
  void update() {
    swarm.update(id, [](auto& next) { next.task.container.edit().image = "nginx:2"; });
    swarm.settle();
  }
  bool waits() { return swarm.running(id) == 0; }

  TestSwarm swarm;
  model::ServiceSpec spec;
  ServiceId id;
  TaskId old;
};

TEST(OldTask, is_waited_for_as_long_as_its_grace_promises) {
  for (const std::int64_t grace : {90, 3'600, 100'000}) {
    Stopping one(Duration::seconds(grace));
    one.update();
    one.swarm.advance(Duration::seconds(grace));
    EXPECT_TRUE(one.waits()) << grace << ": it is about to be killed";
    one.swarm.report(*one.swarm.store.task(one.old), TaskState::shutdown);
    one.swarm.settle();
    EXPECT_FALSE(one.waits());
  }
}

TEST(OldTask, is_waited_for_a_minute_where_it_has_less) {
  for (const auto& grace :
       {std::optional<Duration>(), std::optional(Duration{}), std::optional(kSecond * 50)}) {
    Stopping one(grace);
    one.update();
    one.swarm.advance(Duration::millis(59'999));
    EXPECT_TRUE(one.waits());
    one.swarm.advance(Duration::millis(1));
    EXPECT_FALSE(one.waits());
  }
}

TEST(OldTask, that_its_node_no_longer_fits_is_waited_for_too) {
  Stopping one(Duration::seconds(90));
  auto spec = one.spec;
  spec.annotations.name = "moves";
  spec.task.placement.emplace().constraints = {"node.labels.zone!=b"};
  one.id = one.swarm.create(spec);
  one.swarm.settle();
  one.old = one.swarm.live_in(one.id, 1)->id;
  const auto node = static_cast<std::uint64_t>(one.swarm.live_in(one.id, 1)->node_id.value());
  one.swarm.change_node(node, [](auto& it) { it.spec.annotations.labels["zone"] = "b"; });
  one.swarm.limit_history(0);
  one.swarm.advance(Duration::seconds(90));
  EXPECT_EQ(one.swarm.store.task(one.old)->status.state, TaskState::rejected);
  EXPECT_TRUE(one.waits()) << "it runs there as long as its grace lasts";
  one.swarm.stubborn_images.clear();
  one.swarm.advance(Duration::seconds(1));
  EXPECT_FALSE(one.waits());
  EXPECT_FALSE(one.swarm.store.task(one.old)) << "nor is it kept any longer";
}

TEST(OldTask, has_its_own_grace_and_not_that_of_the_update) {
  Stopping one(Duration::seconds(90));
  one.swarm.update(one.id, [](auto& next) {
    next.task.container.edit().image = "nginx:2";
    next.task.container.edit().stop_grace_period = Duration::seconds(1);
  });
  one.swarm.advance(Duration::seconds(95));
  EXPECT_TRUE(one.waits());
  one.swarm.advance(Duration::seconds(5));
  EXPECT_FALSE(one.waits()) << "it was to be killed ten seconds ago";
}

TEST(OldTask, is_waited_for_by_a_new_leader_and_through_other_changes) {
  Stopping one(Duration::seconds(90));
  one.update();
  for (int i = 0; i < 8; ++i) {
    one.swarm.advance(Duration::seconds(10));
    if (i == 3) one.swarm.elect();
    if (i == 4) one.swarm.update(one.id, [](auto& next) { next.task.container.edit().image = "nginx:3"; });
    if (i == 5) one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{0}; });
    if (i == 6) one.swarm.update(one.id, [](auto& next) { next.mode = model::ReplicatedMode{1}; });
    EXPECT_TRUE(one.waits()) << i;
  }
  one.swarm.report(*one.swarm.store.task(one.old), TaskState::shutdown);
  one.swarm.advance(kSecond);
  EXPECT_EQ(one.swarm.running_image(one.id, "nginx:3"), 1U);
}

TEST(OldTask, on_a_node_that_is_down_holds_nothing_up) {
  Stopping one(Duration::seconds(3'600));
  one.update();
  one.swarm.advance(Duration::seconds(100));
  EXPECT_TRUE(one.waits());
  one.swarm.set(static_cast<std::uint64_t>(one.swarm.store.task(one.old)->node_id.value()), NodeState::down);
  one.swarm.settle();
  EXPECT_FALSE(one.waits());
}

TEST(OldTask, whose_grace_begins_later_is_waited_for_from_then) {
  Stopping one(Duration::seconds(90));
  Rng rng(77);
  auto held = new_task(one.swarm.store, *one.swarm.store.service(one.id), {one.id, 1, NodeId()},
                       TaskState::ready, one.swarm.wall(), rng);
  held.restarts = model::held_back(Duration::seconds(85));
  one.swarm.write(held);
  one.swarm.plan();
  one.swarm.now = one.swarm.now + Duration::seconds(80);
  model::TaskStep stop;
  stop.id = one.old;
  stop.desired_state = TaskState::shutdown;
  one.swarm.step(std::move(stop));
  one.swarm.advance(Duration::seconds(95));
  EXPECT_NE(one.swarm.store.task(held.id)->status.state, TaskState::running);
}

}  // namespace
}  // namespace swarm::orchestrator
