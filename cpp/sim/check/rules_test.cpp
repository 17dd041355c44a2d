// The rules of committed changes, broken on purpose: a rule that nothing breaks guards nothing.
#include "sim/check/rules.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/feature_level.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "raft/message.hpp"
#include "sim/census.hpp"
#include "sim/check/object_checks.hpp"
#include "sim/watch.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;

class EngineRules : public testing::Test {
 protected:
  EngineRules() {
    store::Store empty;
    empty.skip_to(1);
    replica_.begin(empty);
    census_.begin(replica_.store());
    model::Cluster cluster;
    cluster.id = ClusterId(1);
    cluster.feature_level = model::kFeatureLevel;
    put(cluster);
    model::Node node;
    node.id = NodeId(1);
    node.status.state = model::NodeState::ready;
    put(node);
  }
  // One more entry, proposed that much later, and committed after it `waited`; what the rules say.
  std::string say(std::vector<model::Action> actions, Duration later = {}, Duration waited = {}) {
    now_ = now_ + later;
    model::Transaction transaction;
    transaction.time = {1'000'000'000'000 + now_.ns};
    transaction.actions = std::move(actions);
    index_ += 100;
    (void)replica_.apply({1, index_, raft::EntryType::normal, codec::encode(transaction)});
    const auto* changes = replica_.changes_at(index_);
    if (changes == nullptr) return "nothing was changed";
    census_.changed(*changes, replica_.store());
    const Proposal proposal{0, 1, now_, Instant{}, true};
    now_ = now_ + waited;
    const Commit commit{*changes, replica_.store(), census_, now_, &proposal};
    for (const Rule& rule : rules_)
      if (rule.committed)
        if (auto broken = rule.committed(commit)) return rule.name + ": " + *broken;
    return {};
  }
  template <class Object>
  std::string put(const Object& object, Duration later = {}) {
    return say({model::Put{object}}, later);
  }
  model::Service service(std::uint64_t id) const { return *replica_.store().service(ServiceId(id)); }
  static model::Service fresh_service(std::uint64_t id) {
    model::Service out;
    out.id = ServiceId(id);
    out.spec.annotations.name = "s" + std::to_string(id);
    out.spec.task.container.emplace().image = "nginx:1";
    out.spec.mode = model::ReplicatedMode{2};
    return out;
  }
  // As control does it: the next spec, and the one before is kept.
  void update(std::uint64_t id, const std::string& image, model::UpdateState state) {
    model::Service next = service(id);
    next.previous_spec = next.spec;
    next.previous_spec_version = next.spec_version;
    next.spec.task.container.emplace().image = image;
    next.spec_version = next.meta.version;
    next.update_status = model::UpdateStatus{state, {}, {}, ""};
    ASSERT_EQ(put(next), "");
  }
  model::Task task(std::uint64_t id, std::uint64_t slot, TaskState state, TaskState desired) const {
    model::Task out;
    out.id = TaskId(id);
    out.service_id = ServiceId(1);
    out.spec_version = service(1).spec_version;
    out.slot = slot;
    out.node_id = NodeId(1);
    out.status.state = state;
    out.desired_state = desired;
    return out;
  }
  static model::TaskStep step(std::uint64_t id, std::optional<TaskState> state,
                              std::optional<TaskState> desired) {
    model::TaskStep out;
    out.id = TaskId(id);
    out.desired_state = desired;
    if (state) out.status.emplace().state = *state;
    return out;
  }

  Replica replica_;
  Census census_;
  std::vector<Rule> rules_ = engine_rules();
  std::uint64_t index_ = 1;
  Instant now_{1'000'000'000};
};

bool blames(const std::string& said, const std::string& rule) { return said.starts_with(rule + ": "); }

// ---- addresses

model::Network with_subnet(std::uint64_t id, const std::string& subnet) {
  model::Network network;
  network.id = NetworkId(id);
  network.annotations.name = "n" + std::to_string(id);
  network.allocated = {{subnet, "", "", {}, static_cast<std::uint32_t>(4096 + id)}};
  return network;
}

TEST_F(EngineRules, AnAddressThatTwoHaveIsFound) {
  ASSERT_EQ(put(with_subnet(1, "10.0.1.0/24")), "");
  ASSERT_EQ(put(with_subnet(2, "10.0.2.0/24")), "");
  model::Service first = fresh_service(1), second = fresh_service(2);
  first.virtual_ips = {{NetworkId(1), "10.0.1.2/24"}};
  second.virtual_ips = {{NetworkId(2), "10.0.1.2/24"}};
  ASSERT_EQ(put(first), "");
  ASSERT_EQ(put(second), "") << "on another network";
  model::Task one = task(5, 1, TaskState::pending, TaskState::running);
  one.attachments = {{NetworkId(1), {"10.0.1.3/24"}}};
  ASSERT_EQ(put(one), "");
  model::Task other = task(6, 2, TaskState::pending, TaskState::running);
  other.attachments = {{NetworkId(1), {"10.0.1.3/24"}}};
  EXPECT_TRUE(blames(put(other), "addresses belong to one"));
}

TEST_F(EngineRules, AnAddressOfATaskThatHasEndedIsFree) {
  ASSERT_EQ(put(with_subnet(1, "10.0.1.0/24")), "");
  ASSERT_EQ(put(fresh_service(1)), "");
  model::Task one = task(5, 1, TaskState::running, TaskState::running);
  one.attachments = {{NetworkId(1), {"10.0.1.3/24"}}};
  ASSERT_EQ(put(one), "");
  ASSERT_EQ(say({step(5, TaskState::failed, TaskState::shutdown)}), "");
  model::Task next = task(6, 1, TaskState::new_, TaskState::running);
  next.attachments = {{NetworkId(1), {"10.0.1.3/24"}}};
  EXPECT_EQ(put(next, Duration::seconds(6)), "");
}

TEST_F(EngineRules, AnAddressOfATaskThatRanAndEndedInOneEntryIsFree) {
  ASSERT_EQ(put(with_subnet(1, "10.0.1.0/24")), "");
  ASSERT_EQ(put(fresh_service(1)), "");
  model::Task one = task(5, 1, TaskState::starting, TaskState::running);
  one.attachments = {{NetworkId(1), {"10.0.1.3/24"}}};
  ASSERT_EQ(put(one), "");
  ASSERT_EQ(say({step(5, TaskState::running, {}), step(5, TaskState::failed, TaskState::shutdown)}), "");
  model::Service other = fresh_service(2);
  other.virtual_ips = {{NetworkId(1), "10.0.1.3/24"}};
  EXPECT_EQ(put(other), "");
}

TEST_F(EngineRules, AnAddressThatAnEntryTakesTwiceIsFound) {
  ASSERT_EQ(put(with_subnet(1, "10.0.1.0/24")), "");
  model::Service first = fresh_service(1), second = fresh_service(2);
  first.virtual_ips = {{NetworkId(1), "10.0.1.2/24"}};
  second.virtual_ips = {{NetworkId(1), "10.0.1.2/24"}};
  EXPECT_TRUE(blames(say({model::Put{first}, model::Put{second}}), "addresses belong to one"));
}

TEST_F(EngineRules, SubnetsThatOverlapAreFound) {
  ASSERT_EQ(put(with_subnet(1, "10.0.1.0/24")), "");
  EXPECT_TRUE(blames(put(with_subnet(2, "10.0.0.0/16")), "addresses belong to one"));
}

// ---- ports

model::Service with_port(model::Service service, std::uint32_t number) {
  service.ports = {{"", model::PortProtocol::tcp, 80, number, model::PublishMode::ingress}};
  return service;
}

TEST_F(EngineRules, APortOfTwoServicesIsFound) {
  EXPECT_EQ(put(with_port(fresh_service(1), 8000)), "");
  EXPECT_EQ(put(with_port(fresh_service(2), 8001)), "");
  EXPECT_TRUE(blames(put(with_port(fresh_service(3), 8000)), "ports belong to one service"));
}

TEST_F(EngineRules, APortThatWasGivenBackIsFree) {
  EXPECT_EQ(put(with_port(fresh_service(1), 8000)), "");
  EXPECT_EQ(say({model::Remove::of<model::Service>(ServiceId(1))}), "");
  EXPECT_EQ(put(with_port(fresh_service(2), 8000)), "");
}

TEST_F(EngineRules, APortThatAServiceHadWithinAnEntryIsFree) {
  EXPECT_EQ(
      say({model::Put{with_port(fresh_service(1), 8000)}, model::Remove::of<model::Service>(ServiceId(1))}),
      "");
  EXPECT_EQ(put(with_port(fresh_service(2), 8000)), "");
}

// ---- rollbacks

TEST_F(EngineRules, ARollbackToAnotherSpecIsFound) {
  put(fresh_service(1));
  update(1, "nginx:2", model::UpdateState::updating);
  model::Service back = service(1);
  back.update_status->state = model::UpdateState::rollback_started;
  back.spec_version = back.previous_spec_version;
  EXPECT_TRUE(blames(put(back), "rollbacks restore the spec"));
}

TEST_F(EngineRules, ARollbackToTheSpecBeforeIsRight) {
  put(fresh_service(1));
  update(1, "nginx:2", model::UpdateState::updating);
  model::Service back = service(1);
  back.update_status->state = model::UpdateState::rollback_started;
  back.spec = *back.previous_spec;
  back.spec_version = back.previous_spec_version;
  EXPECT_EQ(put(back), "");
}

TEST_F(EngineRules, AnUpdateThatEndsTooEarlyIsFound) {
  put(fresh_service(1));
  EXPECT_EQ(put(task(1, 1, TaskState::running, TaskState::running)), "");
  update(1, "nginx:2", model::UpdateState::updating);
  model::Service done = service(1);
  done.update_status->state = model::UpdateState::completed;
  EXPECT_TRUE(blames(put(done), "updates end when all is new"));
}

// ---- updates

class StartFirst : public EngineRules {
 protected:
  void SetUp() override {
    model::Service made = fresh_service(1);
    for (auto* way : {&made.spec.update, &made.spec.rollback}) {
      way->emplace().order = model::UpdateOrder::start_first;
      (*way)->parallelism = 1;
      (*way)->delay = Duration::seconds(2);
    }
    put(made);
    for (const std::uint64_t slot : {1U, 2U})
      ASSERT_EQ(put(task(slot, slot, TaskState::running, TaskState::running)), "");
    update(1, "nginx:2", model::UpdateState::updating);
    ASSERT_EQ(put(task(11, 1, TaskState::starting, TaskState::running)), "");
  }
};

TEST_F(StartFirst, AnOldTaskThatStopsBeforeTheNewOneRunsIsFound) {
  EXPECT_TRUE(blames(say({step(1, {}, TaskState::shutdown)}), "updates keep their order"));
}

TEST_F(StartFirst, AnOldTaskThatStopsAfterIsRight) {
  EXPECT_EQ(say({step(11, TaskState::running, {})}), "");
  EXPECT_EQ(say({step(1, {}, TaskState::shutdown)}), "");
}

TEST_F(StartFirst, ASlotThatDoesNotWaitForTheDelayIsFound) {
  EXPECT_EQ(say({step(11, TaskState::running, {})}), "");
  EXPECT_EQ(say({step(1, {}, TaskState::shutdown)}), "");
  EXPECT_TRUE(blames(put(task(12, 2, TaskState::new_, TaskState::running), Duration::seconds(1)),
                     "updates keep their delay"));
}

TEST_F(StartFirst, ASlotThatWaitsIsRight) {
  EXPECT_EQ(say({step(11, TaskState::running, {})}), "");
  EXPECT_EQ(say({step(1, {}, TaskState::shutdown)}), "");
  EXPECT_EQ(put(task(12, 2, TaskState::new_, TaskState::running), Duration::seconds(2)), "");
}

TEST_F(StartFirst, ARestartBesideAnOldTaskIsNotTheUpdates) {
  EXPECT_EQ(say({step(11, TaskState::running, {})}), "");
  EXPECT_EQ(say({step(1, {}, TaskState::shutdown)}), "");
  EXPECT_EQ(put(task(12, 2, TaskState::new_, TaskState::ready), Duration::seconds(1)), "");
}

// One plan restarts in a slot, and takes the slot away: the new task goes with the next plan.
TEST_F(StartFirst, ASlotThatGoesIsNotTheUpdates) {
  EXPECT_EQ(say({step(11, TaskState::failed, TaskState::shutdown),
                 model::Put{task(21, 1, TaskState::new_, TaskState::ready)}, step(1, {}, TaskState::remove)}),
            "");
}

TEST_F(StartFirst, ASlotThatGoesDoesNotWaitForTheDelay) {
  EXPECT_EQ(say({step(11, TaskState::running, {})}), "");
  EXPECT_EQ(say({model::Put{task(22, 2, TaskState::new_, TaskState::ready)}, step(2, {}, TaskState::remove)}),
            "");
}

class OneAtATime : public EngineRules {
 protected:
  void SetUp() override {
    model::Service made = fresh_service(1);
    made.spec.update.emplace().parallelism = 1;
    put(made);
    for (const std::uint64_t slot : {1U, 2U})
      ASSERT_EQ(put(task(slot, slot, TaskState::running, TaskState::running)), "");
    update(1, "nginx:2", model::UpdateState::updating);
  }
};

TEST_F(OneAtATime, SlotsThatGoAreNotTheUpdates) {
  EXPECT_EQ(say({model::Put{task(11, 1, TaskState::new_, TaskState::ready)}, step(1, {}, TaskState::remove),
                 model::Put{task(12, 2, TaskState::new_, TaskState::ready)}, step(2, {}, TaskState::remove)}),
            "");
}

TEST_F(OneAtATime, TwoSlotsAtOnceAreFound) {
  for (const std::uint64_t slot : {1U, 2U})
    ASSERT_EQ(put(task(10 + slot, slot, TaskState::new_, TaskState::ready)), "");
  EXPECT_EQ(say({step(1, {}, TaskState::shutdown)}), "");
  EXPECT_TRUE(blames(say({step(2, {}, TaskState::shutdown)}), "update_pace"));
}

// ---- restarts

class Restarts : public EngineRules {
 protected:
  void limit(std::uint64_t attempts, Duration window) {
    model::Service made = fresh_service(1);
    made.spec.task.restart.emplace().max_attempts = attempts;
    made.spec.task.restart->window = window;
    ASSERT_EQ(put(made), "");
  }
  // The task of this number ends, and its successor is made.
  std::string restart(std::uint64_t number, Duration later) {
    const std::string failed = say({step(number, TaskState::failed, TaskState::shutdown)}, later);
    return failed + put(task(number + 1, 1, TaskState::running, TaskState::running));
  }
};

TEST_F(Restarts, OneTooManyIsFound) {
  limit(2, {});
  put(task(1, 1, TaskState::running, TaskState::running));
  EXPECT_EQ(restart(1, Duration::seconds(100)), "");
  EXPECT_EQ(restart(2, Duration::seconds(100)), "");
  EXPECT_TRUE(blames(restart(3, Duration::seconds(100)), "restarts keep their limit"));
}

TEST_F(Restarts, AWindowForgets) {
  limit(1, Duration::seconds(10));
  put(task(1, 1, TaskState::running, TaskState::running));
  EXPECT_EQ(restart(1, Duration::seconds(11)), "");
  EXPECT_EQ(restart(2, Duration::seconds(11)), "");
  EXPECT_TRUE(blames(restart(3, Duration::seconds(1)), "restarts keep their limit"));
}

TEST_F(Restarts, AnAttemptThatWaitedLongForItsCommitIsThatOld) {
  limit(1, Duration::seconds(10));
  put(task(1, 1, TaskState::running, TaskState::running));
  EXPECT_EQ(say({step(1, TaskState::failed, TaskState::shutdown)}), "");
  const auto next = task(2, 1, TaskState::running, TaskState::running);
  EXPECT_EQ(say({model::Put{next}}, {}, Duration::seconds(11)), "");
  EXPECT_EQ(restart(2, Duration::seconds(1)), "");
  EXPECT_TRUE(blames(restart(3, Duration::seconds(1)), "restarts keep their limit"));
}

TEST_F(Restarts, ASlotThatWasGivenUpBeginsToCountAnew) {
  limit(1, Duration::seconds(10));
  put(task(1, 1, TaskState::running, TaskState::running));
  EXPECT_EQ(restart(1, Duration::seconds(1)), "");
  EXPECT_EQ(say({model::Remove::of<model::Task>(TaskId(1)), model::Remove::of<model::Task>(TaskId(2))}), "");
  put(task(3, 1, TaskState::running, TaskState::running));
  EXPECT_EQ(restart(3, Duration::seconds(1)), "");
  EXPECT_TRUE(blames(restart(4, Duration::seconds(1)), "restarts keep their limit"));
}

// A new leader does not know what the update has tried.
TEST_F(Restarts, AnUpdateThatBeginsAgainBesideAnOldTaskCountsAnew) {
  limit(1, {});
  put(task(9, 1, TaskState::running, TaskState::running));
  put(task(1, 1, TaskState::starting, TaskState::running));
  EXPECT_EQ(say({step(1, TaskState::failed, TaskState::shutdown)}), "");
  EXPECT_EQ(put(task(2, 1, TaskState::new_, TaskState::running)), "");
  const auto held = [&](std::uint64_t number) {
    const std::string failed = say({step(number, TaskState::failed, TaskState::shutdown)});
    return failed + put(task(number + 1, 1, TaskState::new_, TaskState::ready));
  };
  EXPECT_EQ(held(2), "");
  EXPECT_TRUE(blames(held(3), "restarts keep their limit"));
}

TEST_F(Restarts, ATaskThatMayStartBeforeItsDelayIsFound) {
  put(fresh_service(1));
  model::Task next = task(1, 1, TaskState::new_, TaskState::ready);
  next.restarts = model::held_back(Duration::seconds(5));
  EXPECT_EQ(put(next), "");
  EXPECT_TRUE(
      blames(say({step(1, {}, TaskState::running)}, Duration::seconds(3)), "restarts keep their delay"));
}

TEST_F(Restarts, OneThatWaitedIsRight) {
  put(fresh_service(1));
  model::Task next = task(1, 1, TaskState::new_, TaskState::ready);
  next.restarts = model::held_back(Duration::seconds(5));
  EXPECT_EQ(put(next), "");
  EXPECT_EQ(say({step(1, {}, TaskState::running)}, Duration::seconds(5)), "");
}

}  // namespace
}  // namespace swarm::sim
