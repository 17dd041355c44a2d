// The scheduler on a real store: objects in, placements out (the scenarios of swarmkit
// manager/scheduler/scheduler_test.go).
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/annotations.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "scheduler/scheduler.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

namespace swarm::scheduler {
namespace {

using model::TaskState;

class SchedulerTest : public testing::Test {
 protected:
  store::Applied apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.time = WallTime{++time_};
    transaction.actions = std::move(actions);
    auto applied = store_.apply(transaction, store_.version() + 1);
    EXPECT_TRUE(applied.outcome.applied) << applied.outcome.error;
    if (started_) scheduler_.observe(store_, applied.changes, now_);
    return applied;
  }

  model::Node node(const std::string& name, model::Labels labels = {}) {
    model::Node node;
    node.id = NodeId::random(rng_);
    node.description.hostname = name;
    node.spec.annotations.labels = std::move(labels);
    node.status.state = model::NodeState::ready;
    return node;
  }
  NodeId add_node(const std::string& name, model::Labels labels = {}) {
    return add(node(name, std::move(labels)));
  }
  NodeId add(const model::Node& node) {
    apply({model::Put{node}});
    names_[node.id] = node.description.hostname;
    return node.id;
  }
  void change_node(NodeId id, const std::function<void(model::Node&)>& change) {
    model::Node node = *store_.node(id);
    change(node);
    apply({model::Put{node}});
  }

  ServiceId add_service(const std::string& name, model::TaskSpec spec = {},
                        std::optional<model::EndpointSpec> endpoint = std::nullopt) {
    model::Service service;
    service.id = ServiceId::random(rng_);
    service.spec.annotations.name = name;
    service.spec.task = std::move(spec);
    service.spec.endpoint = std::move(endpoint);
    apply({model::Put{service}});
    return service.id;
  }
  std::vector<TaskId> add_tasks(ServiceId service, std::uint64_t count, NodeId on = {}) {
    std::vector<model::Action> actions;
    std::vector<TaskId> ids;
    for (std::uint64_t i = 0; i < count; ++i) {
      model::Task task;
      task.id = TaskId::random(rng_);
      task.service_id = service;
      task.slot = on.empty() ? ++slot_ : 0;
      task.node_id = on;
      task.spec_version = store_.service(service)->spec_version;
      task.status.state = TaskState::pending;
      task.status.message = "pending task scheduling";
      actions.push_back(model::Put{task});
      ids.push_back(task.id);
    }
    apply(std::move(actions));
    return ids;
  }
  void set_state(TaskId id, TaskState state, const char* message = "") {
    model::TaskStep step;
    step.id = id;
    step.status = store_.task(id)->status;
    step.status->message = message;
    step.status->state = state;
    apply({step});
  }
  void want(TaskId id, TaskState desired) {
    model::TaskStep step;
    step.id = id;
    step.desired_state = desired;
    apply({step});
  }

  // Plans and applies until there is nothing to do; the number of plans.
  int run() {
    if (!std::exchange(started_, true)) scheduler_.start(store_, now_, WallTime{1});
    int plans = 0;
    while (auto plan = scheduler_.plan(store_, now_, WallTime{++time_})) {
      EXPECT_FALSE(plan->empty());
      const auto applied = apply(std::move(plan->actions));
      scheduler_.settled(store_, applied.outcome, now_);
      if (++plans > 50) {
        ADD_FAILURE() << "the scheduler is never quiet";
        break;
      }
    }
    return plans;
  }
  std::map<std::string, int> placed(ServiceId service) {
    std::map<std::string, int> counts;
    for (const auto& [slot, id] : store_.tasks_of_service(service))
      if (const auto task = store_.task(id); task->state() == TaskState::assigned)
        ++counts[names_[task->node_id]];
    return counts;
  }
  const model::Task& task(TaskId id) { return *store_.task(id); }

  using Counts = std::map<std::string, int>;
  Rng rng_{7};
  store::Store store_;
  Scheduler scheduler_{Rng(1)};
  bool started_ = false;
  Instant now_{};
  std::int64_t time_ = 0;
  std::uint64_t slot_ = 0;
  std::map<NodeId, std::string> names_;
};

model::TaskSpec with_constraints(std::vector<std::string> constraints) {
  model::TaskSpec spec;
  spec.placement.emplace();
  spec.placement->constraints = std::move(constraints);
  return spec;
}

model::TaskSpec with_memory(std::int64_t bytes) {
  model::TaskSpec spec;
  spec.resources.emplace();
  spec.resources->reservations.emplace();
  spec.resources->reservations->memory_bytes = bytes;
  return spec;
}

TEST_F(SchedulerTest, TasksAreSpreadEvenlyInOnePlan) {
  for (const char* name : {"a", "b", "c"}) add_node(name);
  const ServiceId web = add_service("web");
  const auto ids = add_tasks(web, 9);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(placed(web), (Counts{{"a", 3}, {"b", 3}, {"c", 3}}));
  EXPECT_EQ(task(ids[0]).status.message, "scheduler assigned task to node");
}

TEST_F(SchedulerTest, FewestOfTheServiceGoesBeforeFewestInAll) {
  const NodeId a = add_node("a");
  const ServiceId other = add_service("other"), web = add_service("web");
  add_tasks(other, 4);
  run();
  change_node(a, [](auto& node) { node.spec.availability = model::Availability::pause; });
  add_node("b");
  add_tasks(web, 1);
  run();
  EXPECT_EQ(placed(web), (Counts{{"b", 1}}));
  change_node(a, [](auto& node) { node.spec.availability = model::Availability::active; });
  add_tasks(web, 1);  // a runs four others, but none of web
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 1}, {"b", 1}}));
}

TEST_F(SchedulerTest, RefusalsAreExplainedInDockersWordsAndOnce) {
  add_node("a");
  add_node("b");
  const ServiceId web = add_service("web", with_constraints({"node.labels.disk==ssd"}));
  const auto ids = add_tasks(web, 2);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(task(ids[1]).status.err, "no suitable node (scheduling constraints not satisfied on 2 nodes)");
  EXPECT_EQ(task(ids[1]).status.message, "pending task scheduling");
  EXPECT_EQ(task(ids[1]).state(), TaskState::pending);

  model::Node small = node("c", {{"disk", "ssd"}});
  small.spec.availability = model::Availability::drain;
  const NodeId c = add(small);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(task(ids[0]).status.err,
            "no suitable node (scheduling constraints not satisfied on 2 nodes; 1 node not available for new "
            "tasks)");
  change_node(c, [](auto& n) { n.status.message = "still drained"; });
  EXPECT_EQ(run(), 0) << "the same explanation is not written again";
  change_node(c, [](auto& n) { n.spec.availability = model::Availability::active; });
  run();
  EXPECT_EQ(placed(web), (Counts{{"c", 2}}));
  EXPECT_EQ(task(ids[0]).status.err, "");
}

TEST_F(SchedulerTest, WithoutNodesThereIsNoSuitableNode) {
  const auto ids = add_tasks(add_service("web"), 1);
  run();
  EXPECT_EQ(task(ids[0]).status.err, "no suitable node");
  add_node("a");
  run();
  EXPECT_EQ(task(ids[0]).state(), TaskState::assigned);
}

TEST_F(SchedulerTest, ReservationsAreHeldUntilTheTaskHasEnded) {
  model::Node small = node("a");
  small.description.resources.memory_bytes = 1'000;
  add(small);
  const ServiceId web = add_service("web", with_memory(600));
  const auto ids = add_tasks(web, 2);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 1}}));
  const TaskId first = task(ids[0]).state() == TaskState::assigned ? ids[0] : ids[1];
  const TaskId second = first == ids[0] ? ids[1] : ids[0];
  EXPECT_EQ(task(second).status.err, "no suitable node (insufficient resources on 1 node)");
  want(first, TaskState::shutdown);  // still there while it shuts down
  run();
  EXPECT_EQ(task(second).state(), TaskState::pending);
  set_state(first, TaskState::shutdown);
  run();
  EXPECT_EQ(task(second).state(), TaskState::assigned);
}

TEST_F(SchedulerTest, APictureMadeAtElectionEqualsOneThatWasKeptUp) {
  model::Node small = node("a");
  small.description.resources.memory_bytes = 1'000;
  add(small);
  const ServiceId web = add_service("web", with_memory(600));
  add_tasks(web, 1);
  run();
  const auto more = add_tasks(web, 1);
  Scheduler next{Rng(2)};
  next.start(store_, now_, WallTime{1});
  const auto plan = next.plan(store_, now_, WallTime{2});
  ASSERT_TRUE(plan);
  const auto& step = std::get<model::TaskStep>(plan->actions.at(0));
  EXPECT_EQ(step.id, more[0]);
  EXPECT_EQ(step.status->err, "no suitable node (insufficient resources on 1 node)");
}

TEST_F(SchedulerTest, PlatformsAreCheckedAndAliasesAreEqual) {
  model::Node arm = node("arm"), intel = node("intel");
  arm.description.platform = {"aarch64", "linux"};
  intel.description.platform = {"x86_64", "linux"};
  add(arm);
  add(intel);
  model::TaskSpec spec;
  spec.placement.emplace();
  spec.placement->platforms = {{"amd64", "linux"}};
  const ServiceId amd = add_service("amd", spec);
  spec.placement->platforms = {{"", "linux"}};
  const ServiceId any = add_service("any", spec);
  spec.placement->platforms = {{"s390x", "linux"}};
  const ServiceId none = add_service("none", spec);
  add_tasks(amd, 2);
  add_tasks(any, 2);
  const auto lost = add_tasks(none, 1);
  run();
  EXPECT_EQ(placed(amd), (Counts{{"intel", 2}}));
  EXPECT_EQ(placed(any).size(), 2u);
  EXPECT_EQ(task(lost[0]).status.err, "no suitable node (unsupported platform on 2 nodes)");
}

TEST_F(SchedulerTest, AHostPortIsGivenOncePerNode) {
  add_node("a");
  add_node("b");
  model::EndpointSpec endpoint;
  endpoint.ports.push_back({"", model::PortProtocol::tcp, 80, 8080, model::PublishMode::host});
  const ServiceId web = add_service("web", {}, endpoint);
  const auto ids = add_tasks(web, 3);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(task(ids[2]).status.err, "no suitable node (host-mode port already in use on 2 nodes)");
}

TEST_F(SchedulerTest, APortOfTheIngressNetworkIsNoHostPort) {
  add_node("a");
  model::EndpointSpec endpoint;
  endpoint.ports.push_back({"", model::PortProtocol::tcp, 80, 8080, model::PublishMode::ingress});
  add_tasks(add_service("mesh", {}, endpoint), 1);
  run();
  endpoint.ports[0].publish_mode = model::PublishMode::host;
  const ServiceId web = add_service("web", {}, endpoint);
  add_tasks(web, 1);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 1}}));
}

TEST_F(SchedulerTest, MaxReplicasLimitsANode) {
  add_node("a");
  add_node("b");
  model::TaskSpec spec;
  spec.placement.emplace();
  spec.placement->max_replicas = 2;
  const ServiceId web = add_service("web", spec);
  const auto ids = add_tasks(web, 5);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 2}, {"b", 2}}));
  EXPECT_EQ(task(ids[4]).status.err, "no suitable node (max replicas per node limit exceed)");
}

TEST_F(SchedulerTest, PreferencesLevelTheBranches) {
  for (const char* name : {"a1", "a2", "a3"}) add_node(name, {{"zone", "a"}});
  add_node("b1", {{"zone", "b"}});
  add_node("n1");  // no label: a branch of its own
  model::TaskSpec spec;
  spec.placement.emplace();
  spec.placement->spread_preferences = {"node.labels.zone", "node.id"};  // the second is ignored
  const ServiceId web = add_service("web", spec);
  add_tasks(web, 9);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a1", 1}, {"a2", 1}, {"a3", 1}, {"b1", 3}, {"n1", 3}}));
}

TEST_F(SchedulerTest, PreferencesWorkInLevelsAndGoOnWhereABranchIsFull) {
  add_node("a1", {{"dc", "1"}, {"rack", "a"}});
  add_node("a2", {{"dc", "1"}, {"rack", "b"}});
  add_node("b1", {{"dc", "2"}, {"rack", "a"}});
  model::TaskSpec spec;
  spec.placement.emplace();
  spec.placement->spread_preferences = {"node.labels.dc", "node.labels.rack"};
  spec.placement->max_replicas = 3;
  const ServiceId web = add_service("web", spec);
  add_tasks(web, 4);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a1", 1}, {"a2", 1}, {"b1", 2}}));
  add_tasks(web, 5);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a1", 3}, {"a2", 3}, {"b1", 3}}));
}

TEST_F(SchedulerTest, ANodeThatFailsAgainAndAgainComesLastForThatVersion) {
  const NodeId bad = add_node("bad");
  const NodeId good = add_node("good");
  change_node(good, [](auto& node) { node.spec.availability = model::Availability::pause; });
  const ServiceId web = add_service("web");
  for (int i = 0; i < 5; ++i) {
    const auto ids = add_tasks(web, 1);
    run();
    want(ids[0], TaskState::shutdown);
    set_state(ids[0], TaskState::failed);
  }
  change_node(good, [](auto& node) { node.spec.availability = model::Availability::active; });
  add_tasks(web, 3);
  run();
  EXPECT_EQ(placed(web), (Counts{{"good", 3}})) << "although it has more tasks by then";
  const ServiceId other = add_service("other");
  add_tasks(other, 1);
  run();
  EXPECT_EQ(placed(other), (Counts{{"bad", 1}}));
  now_ = now_ + Duration::seconds(301);
  add_tasks(web, 1);
  run();
  EXPECT_EQ(placed(web)["bad"], 1);
  EXPECT_EQ(store_.tasks_on_node(bad).size(), 7u);
}

TEST_F(SchedulerTest, WhatHadToMoveOrWasLostWithItsNodeIsNoFailureOfTheNode) {
  add_node("a");
  const NodeId b = add_node("b");
  change_node(b, [](auto& node) { node.spec.availability = model::Availability::pause; });
  const ServiceId web = add_service("web");
  for (int i = 0; i < 10; ++i) {
    const auto ids = add_tasks(web, 1);
    run();
    want(ids[0], TaskState::shutdown);
    set_state(ids[0], TaskState::failed, i % 2 == 0 ? model::kNoLongerFits : model::kLostWithNode);
  }
  change_node(b, [](auto& node) { node.spec.availability = model::Availability::active; });
  add_tasks(web, 4);
  run();
  EXPECT_EQ(placed(web), (Counts{{"a", 2}, {"b", 2}}));
}

TEST_F(SchedulerTest, APreassignedTaskIsConfirmedOnItsNodeOnly) {
  const NodeId a = add_node("a");
  const NodeId b = add_node("b");
  change_node(b, [](auto& node) { node.status.state = model::NodeState::down; });
  const ServiceId agent = add_service("agent");
  const auto on_a = add_tasks(agent, 1, a), on_b = add_tasks(agent, 1, b);
  run();
  EXPECT_EQ(task(on_a[0]).state(), TaskState::assigned);
  EXPECT_EQ(task(on_a[0]).status.message, "scheduler confirmed task can run on preassigned node");
  EXPECT_EQ(task(on_b[0]).status.err, "1 node not available for new tasks");
  change_node(b, [](auto& node) { node.status.state = model::NodeState::ready; });
  run();
  EXPECT_EQ(task(on_b[0]).node_id, b);
  EXPECT_EQ(task(on_b[0]).state(), TaskState::assigned);
}

TEST_F(SchedulerTest, WhatIsNotWantedIsNotPlacedButEnded) {
  const ServiceId web = add_service("web", with_constraints({"node.role==manager"}));
  add_node("a");
  const auto ids = add_tasks(web, 1);
  run();
  want(ids[0], TaskState::shutdown);
  run();
  EXPECT_EQ(task(ids[0]).state(), TaskState::shutdown);
  EXPECT_TRUE(task(ids[0]).node_id.empty());
}

TEST_F(SchedulerTest, ADroppedPlanIsMadeAgain) {
  add_node("a");
  const auto ids = add_tasks(add_service("web"), 1);
  const auto stuck = add_tasks(add_service("stuck", with_memory(1)), 1);
  scheduler_.start(store_, now_, WallTime{1});
  started_ = true;
  ASSERT_TRUE(scheduler_.plan(store_, now_, WallTime{2}));
  scheduler_.settled(store_, model::Outcome{false, 0, "the proposal was dropped"}, now_);
  run();
  EXPECT_EQ(task(ids[0]).state(), TaskState::assigned);
  EXPECT_EQ(task(stuck[0]).status.err, "no suitable node (insufficient resources on 1 node)");
}

TEST_F(SchedulerTest, AVeryLargeServiceTakesSeveralPlans) {
  for (int i = 0; i < 10; ++i) add_node("n" + std::to_string(i));
  const ServiceId web = add_service("web");
  add_tasks(web, 2 * store::kMaxActions + 2'000);
  EXPECT_EQ(run(), 3);
  for (const auto& [name, count] : placed(web)) EXPECT_EQ(count, 1'000) << name;
}

// By hand: scheduler_test --gtest_also_run_disabled_tests --gtest_filter=*TenThousand*
// GoogleTest prints the milliseconds, the store's work included; planning alone is about an eighth of them.
TEST_F(SchedulerTest, DISABLED_TenThousandTasksOverAThousandNodes) {
  for (int i = 0; i < 1'000; ++i) add_node("n" + std::to_string(i));
  const ServiceId web = add_service("web");
  add_tasks(web, 10'000);
  EXPECT_EQ(run(), 3);
  for (const auto& [name, count] : placed(web)) EXPECT_EQ(count, 10) << name;
}

}  // namespace
}  // namespace swarm::scheduler
