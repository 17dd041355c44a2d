// The allocator before a real store (swarmkit manager/allocator/portallocator_test.go).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"

namespace swarm::allocator {
namespace {

using model::PortConfig;
using model::PortProtocol;
using model::PublishMode;

class AllocatorTest : public testing::Test {
 protected:
  AllocatorTest() { allocator_.start(store_, {}, {}); }

  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    allocator_.observe(store_, applied.changes, {});
  }
  void run() {
    for (int plans = 0; auto plan = allocator_.plan(store_, {}, WallTime{9}); ++plans) {
      ASSERT_LT(plans, 20) << "the allocator is never quiet";
      apply(std::move(plan->actions));
      allocator_.settled(store_, {true, store_.version(), ""}, {});
    }
  }
  ServiceId add(const std::string& name, std::vector<PortConfig> ports) {
    model::Service service;
    service.id = ServiceId::random(rng_);
    service.spec.annotations.name = name;
    service.spec.endpoint.emplace();
    service.spec.endpoint->ports = std::move(ports);
    apply({model::Put{service}});
    return service.id;
  }
  void update(ServiceId id, std::vector<PortConfig> ports) {
    model::Service service = *store_.service(id);
    service.spec.endpoint->ports = std::move(ports);
    apply({model::Put{service}});
  }
  TaskId add_task(ServiceId service) {
    model::Task task;
    task.id = TaskId::random(rng_);
    task.service_id = service;
    task.slot = 1;
    apply({model::Put{task}});
    return task.id;
  }
  std::vector<std::uint32_t> published(ServiceId id) {
    std::vector<std::uint32_t> numbers;
    for (const auto& port : store_.service(id)->ports) numbers.push_back(port.published_port);
    return numbers;
  }

  Rng rng_{3};
  store::Store store_;
  Allocator allocator_;
};

PortConfig port(std::uint32_t target, std::uint32_t number, PublishMode mode = PublishMode::ingress,
                PortProtocol protocol = PortProtocol::tcp) {
  return {"", protocol, target, number, mode};
}

TEST_F(AllocatorTest, NewTasksBecomePending) {
  const TaskId id = add_task(add("web", {}));
  run();
  EXPECT_EQ(store_.task(id)->state(), model::TaskState::pending);
  EXPECT_EQ(store_.task(id)->status.message, "pending task scheduling");
}

TEST_F(AllocatorTest, OpenPortsAreTakenFromTheDynamicRangePerProtocol) {
  const ServiceId web = add("web", {port(80, 0), port(81, 30'000), port(82, 0)});
  const ServiceId dns =
      add("dns", {port(53, 0, PublishMode::ingress, PortProtocol::udp), port(53, 0, PublishMode::host)});
  run();
  EXPECT_EQ(published(web), (std::vector<std::uint32_t>{30'001, 30'000, 30'002}));
  EXPECT_EQ(published(dns), (std::vector<std::uint32_t>{30'000, 0})) << "the node picks host ports";
}

TEST_F(AllocatorTest, AnUpdateKeepsTheNumberAndARemovalGivesItBack) {
  const ServiceId a = add("a", {port(80, 0)}), b = add("b", {port(80, 0)});
  run();
  const auto of_b = published(b);
  update(b, {port(443, 0), port(80, 0)});
  run();
  EXPECT_EQ(published(b)[1], of_b[0]);
  const auto of_a = published(a);
  apply({model::Remove::of<model::Service>(a)});
  const ServiceId c = add("c", {port(80, of_a[0])});
  run();
  EXPECT_EQ(published(c), of_a);
}

TEST_F(AllocatorTest, TasksWaitForAPortThatAnotherServiceHolds) {
  const ServiceId first = add("first", {port(80, 8080)});
  run();
  const ServiceId second = add("second", {port(80, 8080)});
  const TaskId task = add_task(second);
  run();
  EXPECT_EQ(store_.task(task)->state(), model::TaskState::new_);
  update(first, {port(80, 8081)});
  run();
  EXPECT_EQ(store_.task(task)->state(), model::TaskState::pending);
  EXPECT_EQ(published(second), (std::vector<std::uint32_t>{8080}));
}

TEST_F(AllocatorTest, ADroppedPlanIsMadeAgain) {
  const ServiceId web = add("web", {port(80, 0)});
  const TaskId task = add_task(web);
  ASSERT_TRUE(allocator_.plan(store_, {}, {}));
  allocator_.settled(store_, {false, 0, "dropped"}, {});
  run();
  EXPECT_EQ(published(web), (std::vector<std::uint32_t>{30'000}));
  EXPECT_EQ(store_.task(task)->state(), model::TaskState::pending);
}

TEST_F(AllocatorTest, ADroppedPlanHoldsNoPort) {
  const ServiceId first = add("first", {port(80, 8080)});
  ASSERT_TRUE(allocator_.plan(store_, {}, {}));
  allocator_.settled(store_, {false, 0, "dropped"}, {});
  update(first, {port(80, 8081)});
  run();
  const ServiceId second = add("second", {port(80, 8080)});
  run();
  EXPECT_EQ(published(second), (std::vector<std::uint32_t>{8080}));
}

}  // namespace
}  // namespace swarm::allocator
