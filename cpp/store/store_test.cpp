#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/container_spec.hpp"
#include "model/key_value.hpp"
#include "model/kinds.hpp"
#include "model/meta.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/key.hpp"
#include "store/store.hpp"
#include "store/table.hpp"
#include "store/view.hpp"

namespace swarm::store {
namespace {

using model::Node;
using model::Put;
using model::Remove;
using model::Service;
using model::Task;
using model::TaskState;
using model::TaskStep;
using model::TaskTemplateRecord;
using model::WriteKey;

ServiceId service_id(std::uint64_t n) { return ServiceId(n); }
TaskId task_id(std::uint64_t n) { return TaskId(n); }
NodeId node_id(std::uint64_t n) { return NodeId(n); }

model::Service a_service(std::uint64_t id, std::string name, std::string image = "nginx") {
  model::Service service;
  service.id = service_id(id);
  service.spec.annotations.name = std::move(name);
  service.spec.task.container.emplace().image = std::move(image);
  return service;
}

model::Task a_task(std::uint64_t id, std::uint64_t service, std::uint64_t slot,
                   std::uint64_t spec_version = 0) {
  model::Task task;
  task.id = task_id(id);
  task.service_id = service_id(service);
  task.slot = slot;
  task.spec_version = spec_version;
  return task;
}

model::Node a_node(std::uint64_t id, std::string name = "") {
  model::Node node;
  node.id = node_id(id);
  node.spec.annotations.name = std::move(name);
  return node;
}

TaskStep status_step(std::uint64_t task, TaskState state, NodeId reporter = {}) {
  TaskStep step;
  step.id = task_id(task);
  step.status.emplace().state = state;
  step.reported_by = reporter;
  return step;
}

std::vector<Store::Record> records_of(const Store& store) {
  std::vector<Store::Record> records;
  for (const auto& key : store.all_keys()) records.push_back(*store.record(key));
  return records;
}

// Everything that can be read of a store, to compare two of them.
template <class Table>
auto values(const Table& table) {
  std::vector<std::remove_const_t<typename Table::mapped_type::element_type>> out;
  for (const auto& [id, object] : table) out.push_back(*object);
  return out;
}
void expect_equal(const Store& a, const Store& b) {
  EXPECT_EQ(a.version(), b.version());
  EXPECT_EQ(a.task_counts(), b.task_counts());
  EXPECT_EQ(a.node_counts(), b.node_counts());
  ASSERT_EQ(a.cluster() == nullptr, b.cluster() == nullptr);
  if (a.cluster()) {
    EXPECT_EQ(*a.cluster(), *b.cluster());
  }
  EXPECT_EQ(values(a.nodes()), values(b.nodes()));
  EXPECT_EQ(values(a.services()), values(b.services()));
  EXPECT_EQ(values(a.tasks()), values(b.tasks()));
  EXPECT_EQ(values(a.networks()), values(b.networks()));
  EXPECT_EQ(values(a.keys()), values(b.keys()));
  EXPECT_EQ(a.service_index(), b.service_index());
  EXPECT_EQ(a.all_keys(), b.all_keys()) << "the same templates, too";
  for (const auto& [id, node] : a.nodes()) EXPECT_EQ(a.tasks_on_node(id), b.tasks_on_node(id));
  for (const auto& [id, service] : a.services())
    EXPECT_EQ(b.service_named(service->spec.annotations.name)->id, id);
}

class StoreTest : public ::testing::Test {
 protected:
  Applied apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.time = WallTime{1000 * ++clock_};
    transaction.actions = std::move(actions);
    return store_.apply(transaction, store_.version() + 1);
  }
  std::string error_of(std::vector<model::Action> actions) { return apply(std::move(actions)).outcome.error; }
  model::Service stored_service(std::uint64_t id) { return *store_.service(service_id(id)); }
  model::Task stored_task(std::uint64_t id) { return *store_.task(task_id(id)); }

  Store store_;
  std::int64_t clock_ = 0;
};

TEST_F(StoreTest, ACreateIsStampedWithTheEntrysIndexAndTime) {
  const auto applied = apply({Put{a_service(1, "web")}});
  EXPECT_TRUE(applied.outcome.applied);
  EXPECT_EQ(applied.outcome.version, 1u);
  const auto service = store_.service_named("web");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->meta, (model::Meta{1, WallTime{1000}, WallTime{1000}}));
  ASSERT_EQ(applied.changes.changes.size(), 1u);
  EXPECT_TRUE(std::get<Change<model::Service>>(applied.changes.changes[0]).created());
}

TEST_F(StoreTest, AnUpdateNamesTheVersionItSaw) {
  apply({Put{a_service(1, "web")}});
  const auto seen = stored_service(1);
  EXPECT_EQ(error_of({Put{seen}}), "");
  EXPECT_EQ(stored_service(1).meta, (model::Meta{2, WallTime{1000}, WallTime{2000}}));
  EXPECT_EQ(error_of({Put{seen}}), "update out of sequence");
  EXPECT_EQ(error_of({Put{a_service(1, "other")}}), "object already exists");
  auto gone = seen;
  gone.id = service_id(9);
  EXPECT_EQ(error_of({Put{gone}}), "object does not exist");
  EXPECT_EQ(error_of({Remove{Service::kKind, 1, 1}}), "update out of sequence");
  EXPECT_EQ(error_of({Remove{Service::kKind, 1, 2}}), "");
}

TEST_F(StoreTest, AllOrNothing) {
  apply({Put{a_service(1, "web")}, Put{a_node(1)}});
  store_.take_dirty();
  const auto applied = apply({Put{a_service(2, "api")}, Put{a_task(1, 1, 1)}, Remove{Node::kKind, 1, 0},
                              TaskStep{task_id(77), 5, {}, {}, {}, {}}});
  EXPECT_FALSE(applied.outcome.applied);
  EXPECT_EQ(applied.outcome.error, "object does not exist");
  EXPECT_TRUE(applied.changes.changes.empty());
  EXPECT_TRUE(store_.take_dirty().empty());
  EXPECT_FALSE(store_.service_named("api"));
  EXPECT_FALSE(store_.task(task_id(1)));
  EXPECT_TRUE(store_.node(node_id(1)));
  EXPECT_EQ(store_.version(), 2u) << "the entry itself is applied";
  EXPECT_EQ(error_of({Put{a_service(2, "api")}}), "") << "no trace of the failed one is left";
}

TEST_F(StoreTest, NamesAreUniqueWithoutCase) {
  apply({Put{a_service(1, "Web")}});
  EXPECT_EQ(error_of({Put{a_service(2, "wEB")}}), "name conflicts with an existing object");
  EXPECT_EQ(store_.service_named("WEB")->id, service_id(1));
  auto renamed = stored_service(1);
  renamed.spec.annotations.name = "site";
  EXPECT_EQ(error_of({Put{renamed}}), "");
  EXPECT_FALSE(store_.service_named("web"));
  EXPECT_EQ(error_of({Put{a_service(2, "web")}}), "") << "the old name is free again";
  EXPECT_EQ(error_of({Remove{Service::kKind, 2, 0}}), "");
  EXPECT_EQ(error_of({Put{a_service(3, "WEB")}}), "");
}

TEST_F(StoreTest, TwoActionsOfOneTransactionCannotContradictEachOther) {
  EXPECT_EQ(error_of({Put{a_service(1, "web")}, Put{a_service(2, "WEB")}}),
            "name conflicts with an existing object");
  EXPECT_EQ(error_of({Put{a_service(1, "web")}, Put{a_service(1, "api")}}), "object already exists");
  apply({Put{a_service(1, "one")}, Put{a_service(2, "two")}});
  auto one = stored_service(1), two = stored_service(2);
  one.spec.annotations.name = two.spec.annotations.name = "same";
  EXPECT_EQ(error_of({Put{one}, Put{two}}), "name conflicts with an existing object");
}

TEST_F(StoreTest, CountsTasksAndNodesByState) {
  apply({Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}, Put{a_task(2, 1, 2)}, Put{a_node(1)}});
  apply({status_step(1, TaskState::running)});
  EXPECT_EQ(store_.task_counts().at(TaskState::running), 1);
  EXPECT_EQ(store_.task_counts().at(TaskState::new_), 1);
  EXPECT_EQ(store_.task_counts().at(TaskState::failed), 0) << "a state without tasks is there, too";
  EXPECT_EQ(store_.node_counts().at(model::NodeState::unknown), 1);
  apply({Remove{Task::kKind, task_id(1).value(), 0}, Remove{Node::kKind, node_id(1).value(), 0}});
  EXPECT_EQ(store_.task_counts().at(TaskState::running), 0);
  EXPECT_EQ(store_.node_counts().at(model::NodeState::unknown), 0);
}

TEST_F(StoreTest, TaskStepsOnlyMoveForwardFieldByField) {
  apply({Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}});
  EXPECT_EQ(error_of({status_step(1, TaskState::running)}), "");
  TaskStep stop;
  stop.id = task_id(1);
  stop.desired_state = TaskState::shutdown;
  stop.status.emplace().state = TaskState::assigned;
  apply({stop});
  EXPECT_EQ(stored_task(1).status.state, TaskState::running) << "a step back is dropped";
  EXPECT_EQ(stored_task(1).desired_state, TaskState::shutdown) << "the rest of the step is not";
  const auto before = stored_task(1).meta.version;
  const auto applied = apply({status_step(1, TaskState::running)});
  EXPECT_TRUE(applied.outcome.applied);
  EXPECT_TRUE(applied.changes.changes.empty()) << "no change, no event";
  EXPECT_EQ(stored_task(1).meta.version, before);
}

TEST_F(StoreTest, OnlyATasksOwnNodeReportsItsStatus) {
  auto task = a_task(1, 1, 1);
  task.node_id = node_id(1);
  apply({Put{a_service(1, "web")}, Put{task}});
  apply({status_step(1, TaskState::failed, node_id(2))});
  EXPECT_EQ(stored_task(1).status.state, TaskState::new_);
  EXPECT_EQ(stored_task(1).applied_at, WallTime{});
  apply({status_step(1, TaskState::running, node_id(1))});
  EXPECT_EQ(stored_task(1).status.state, TaskState::running);
  EXPECT_EQ(stored_task(1).applied_at, WallTime{3000});
}

TEST_F(StoreTest, AStepOfATaskThatIsGoneIsDroppedUnlessItNamesAVersion) {
  EXPECT_EQ(error_of({status_step(5, TaskState::running)}), "");
  auto step = status_step(5, TaskState::running);
  step.version = 1;
  EXPECT_EQ(error_of({step}), "object does not exist");
  apply({Put{a_service(1, "web")}, Put{a_task(5, 1, 1)}});
  EXPECT_EQ(error_of({step}), "update out of sequence");
}

TEST_F(StoreTest, NodeStepsChangeWhatTheySay) {
  apply({Put{a_node(1, "m1")}});
  model::NodeStep step;
  step.id = node_id(1);
  step.status = model::NodeStatus{model::NodeState::ready, "", "127.0.1.1"};
  step.manager = model::ManagerStatus{7, "127.0.1.1:2377"};
  apply({step});
  EXPECT_EQ(store_.node(node_id(1))->status.state, model::NodeState::ready);
  EXPECT_EQ(store_.node(node_id(1))->manager->raft_id, 7u);
  EXPECT_TRUE(apply({step}).changes.changes.empty());
  model::NodeStep demoted;
  demoted.id = node_id(1);
  demoted.manager.emplace();
  apply({demoted});
  EXPECT_FALSE(store_.node(node_id(1))->manager);
  EXPECT_EQ(store_.node(node_id(1))->status.state, model::NodeState::ready);
}

TEST_F(StoreTest, TasksOfAVersionShareItsTemplate) {
  apply({Put{a_service(1, "web", "nginx:1.10")}, Put{a_task(1, 1, 1)}, Put{a_task(2, 1, 2)}});
  EXPECT_EQ(stored_task(1).templ, stored_task(2).templ);
  EXPECT_EQ(stored_task(1).spec().container->image, "nginx:1.10");
  EXPECT_EQ(stored_task(1).templ->service.name, "web");
}

TEST_F(StoreTest, ATemplateLivesAsLongAsATaskOrItsServiceNeedsIt) {
  apply({Put{a_service(1, "web", "a")}, Put{a_task(1, 1, 1, 0)}});
  const auto update = [&](const std::string& image) {
    auto service = stored_service(1);
    service.previous_spec = service.spec;
    service.previous_spec_version = service.spec_version;
    service.spec_version = service.meta.version;
    service.spec.task.container.edit().image = image;
    apply({Put{service}});
    return service.spec_version;
  };
  const auto b = update("b");
  const auto c = update("c");
  EXPECT_TRUE(store_.task_template(service_id(1), 0)) << "a task needs it";
  EXPECT_TRUE(store_.task_template(service_id(1), b)) << "a rollback needs it";
  apply({Remove{Task::kKind, 1, 0}});
  EXPECT_FALSE(store_.task_template(service_id(1), 0));
  const auto d = update("d");
  EXPECT_FALSE(store_.task_template(service_id(1), b));
  EXPECT_TRUE(store_.task_template(service_id(1), c));
  apply({Put{a_task(2, 1, 1, d)}});
  apply({Remove{Service::kKind, 1, 0}});
  EXPECT_TRUE(store_.task_template(service_id(1), d)) << "its tasks outlive a service";
  EXPECT_FALSE(store_.task_template(service_id(1), c));
  const auto dirty = store_.take_dirty();
  apply({Remove{Task::kKind, 2, 0}});
  EXPECT_FALSE(store_.task_template(service_id(1), d));
  EXPECT_EQ(store_.take_dirty(),
            (std::vector<Store::Key>{{Task::kKind, 2, 0}, {TaskTemplateRecord::kKind, 1, d}}));
}

TEST_F(StoreTest, ATaskOfAServiceThatIsGoneIsRefusedOnEveryReplicaAlike) {
  apply({Put{a_service(1, "web")}});
  apply({Remove{Service::kKind, 1, 0}});
  auto task = a_task(1, 1, 1);
  EXPECT_EQ(error_of({Put{task}}), "object does not exist");
  task.templ = std::make_shared<model::TaskTemplate>();  // only the proposer has it: it must not matter
  EXPECT_EQ(error_of({Put{task}}), "object does not exist");
}

TEST_F(StoreTest, ARemovalAndATaskInOneTransactionAgree) {
  apply({Put{a_service(1, "web")}});
  EXPECT_EQ(error_of({Remove{Service::kKind, 1, 0}, Put{a_task(1, 1, 1)}}), "");
  EXPECT_TRUE(stored_task(1).templ);
  EXPECT_TRUE(store_.task_template(service_id(1), 0));
}

TEST_F(StoreTest, ATaskIsNotPlacedOnANodeThatWasRemovedMeanwhile) {
  apply({Put{a_node(1)}, Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}, Put{a_task(2, 1, 2)}});
  TaskStep first, second;
  first.id = task_id(1);
  second.id = task_id(2);
  first.node_id = second.node_id = node_id(1);
  EXPECT_EQ(error_of({first}), "");
  apply({Remove{Node::kKind, 1, 0}});
  EXPECT_EQ(error_of({second}), "object does not exist");
  EXPECT_TRUE(stored_task(2).node_id.empty());
}

TEST_F(StoreTest, IndexesFollowTheTasks) {
  auto assigned = a_task(2, 1, 2);
  assigned.node_id = node_id(1);
  apply(
      {Put{a_node(1)}, Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}, Put{assigned}, Put{a_task(3, 1, 2)}});
  EXPECT_EQ(store_.tasks_of_service(service_id(1)).size(), 3u);
  EXPECT_EQ(store_.tasks_in_slot(service_id(1), 2).size(), 2u);
  EXPECT_EQ(store_.tasks_on_node(node_id(1)), std::set{task_id(2)});
  TaskStep assign;
  assign.id = task_id(1);
  assign.node_id = node_id(1);
  apply({assign});
  EXPECT_EQ(store_.tasks_on_node(node_id(1)), (std::set{task_id(1), task_id(2)}));
  apply({Remove{Task::kKind, 2, 0}});
  EXPECT_EQ(store_.tasks_on_node(node_id(1)), std::set{task_id(1)});
  EXPECT_EQ(store_.tasks_in_slot(service_id(1), 2).size(), 1u);
  apply({Remove{Task::kKind, 1, 0}, Remove{Task::kKind, 3, 0}});
  EXPECT_TRUE(store_.service_index().empty());
  EXPECT_TRUE(store_.tasks_on_node(node_id(1)).empty());
}

TEST_F(StoreTest, ARestoreThatLacksATemplateIsRefused) {
  apply({Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}});
  auto records = records_of(store_);
  std::erase_if(records, [](const auto& one) { return std::holds_alternative<TaskTemplateRecord>(one); });
  Store other;
  const auto restored = other.restore(std::move(records), 5);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(restored.error().code, Code::data_loss);
}

// ---- encodings

TEST_F(StoreTest, AnObjectIsEncodedOnceForEachOfItsVersions) {
  apply({Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}});
  std::vector<std::string> made;
  const auto encode = [&]<class T>(const T&) { return made.emplace_back(std::string(T::kWord) + "!"); };
  const auto ask = [&](const Store& store) {
    for (const Key& key : store.all_keys()) ASSERT_NE(store.encoding(key, encode), nullptr);
  };
  ask(store_);
  ask(store_);
  EXPECT_EQ(made, (std::vector<std::string>{"service!", "task_template!", "task!"}));
  made.clear();
  apply({status_step(1, TaskState::running)});
  ask(store_);
  EXPECT_EQ(made, (std::vector<std::string>{"task!"}));
  apply({Remove{Task::kKind, task_id(1).value(), 0}});
  EXPECT_EQ(store_.encoding(key_of<Task>(task_id(1)), encode), nullptr);
}

TEST_F(StoreTest, WhatWasReadKeepsTheBytesThatItWasReadFrom) {
  apply({Put{a_service(1, "web")}, Put{a_task(1, 1, 1)}});
  std::vector<Store::Encoded> records;
  for (auto& record : records_of(store_))
    records.push_back({std::move(record), "read " + std::to_string(records.size())});
  Store other;
  ASSERT_TRUE(other.restore(std::move(records), 5).ok());
  std::size_t number = 0;
  for (const Key& key : other.all_keys())
    EXPECT_EQ(*other.encoding(key, [](const auto&) { return std::string("made"); }),
              "read " + std::to_string(number++));
}

// ---- keys

TEST_F(StoreTest, AKeyIsWrittenReadAndTakenAway) {
  EXPECT_EQ(error_of({WriteKey{"x", "1", {}, {}}}), "");
  EXPECT_EQ(error_of({WriteKey{"x", "2", {}, {}}}), "");
  ASSERT_TRUE(store_.key("x"));
  EXPECT_EQ(*store_.key("x"), (model::KeyValue{"x", {2, WallTime{1000}, WallTime{2000}}, "2"}));
  const auto gone = apply({WriteKey{"x", {}, {}, {}}});
  ASSERT_EQ(gone.changes.changes.size(), 1u);
  EXPECT_TRUE(std::get<Change<model::KeyValue>>(gone.changes.changes[0]).removed());
  EXPECT_FALSE(store_.key("x"));
  EXPECT_EQ(error_of({WriteKey{"x", {}, {}, {}}}), "object does not exist");
}

TEST_F(StoreTest, AKeysConditionsAreLookedAtWhenTheEntryIsApplied) {
  const std::string late = "update out of sequence";
  EXPECT_EQ(error_of({WriteKey{"x", "1", 7, {}}}), late) << "it is not there";
  EXPECT_EQ(error_of({WriteKey{"x", "1", {}, ""}}), late);
  EXPECT_EQ(error_of({WriteKey{"x", "1", 0, {}}}), "");
  const std::uint64_t version = store_.key("x")->meta.version;
  EXPECT_EQ(error_of({WriteKey{"x", "2", 0, {}}}), late) << "it is there";
  EXPECT_EQ(error_of({WriteKey{"x", "2", version + 1, {}}}), late);
  EXPECT_EQ(error_of({WriteKey{"x", "2", {}, "3"}}), late);
  EXPECT_EQ(store_.key("x")->value, "1");
  EXPECT_EQ(error_of({WriteKey{"x", "2", version, {}}}), "");
  EXPECT_EQ(error_of({WriteKey{"x", "3", {}, "2"}}), "");
  EXPECT_EQ(error_of({WriteKey{"x", {}, version, {}}}), late);
  EXPECT_EQ(error_of({WriteKey{"x", {}, {}, "3"}}), "");
}

TEST_F(StoreTest, ThereAreOnlySoManyKeys) {
  for (std::size_t i = 0; i < model::kMaxKeys; ++i)
    ASSERT_EQ(error_of({WriteKey{"k" + std::to_string(i), "v", {}, {}}}), "");
  EXPECT_EQ(error_of({WriteKey{"one more", "v", {}, {}}}), "too many keys");
  EXPECT_EQ(error_of({WriteKey{"k0", "another", {}, {}}}), "") << "one that is there may change";
  EXPECT_EQ(error_of({WriteKey{"k0", {}, {}, {}}}), "");
  EXPECT_EQ(error_of({WriteKey{"one more", "v", {}, {}}}), "");
}

// Random transactions, good and bad, on a store that lives, on one that is restored from a snapshot half-way,
// and on one that is kept up from the dirty keys as the disk is. All three must be the same.
class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : rng_(seed) {}

  model::Transaction transaction() {
    model::Transaction out;
    out.time = WallTime{static_cast<std::int64_t>(rng_.below(1'000'000))};
    const std::uint64_t count = 1 + rng_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) out.actions.push_back(action());
    return out;
  }
  Store live;

 private:
  model::Action action() {
    const std::uint64_t id = 1 + rng_.below(6);
    switch (rng_.below(10)) {
      case 0:
        return Put{a_service(id, "s" + std::to_string(rng_.below(4)))};
      case 1:
        return updated_service(id);
      case 2: {
        const std::uint64_t slot = 1 + rng_.below(3);
        return Put{a_task(some_task(), id, slot, version_of(id))};
      }
      case 3:
        return assign(some_task());
      case 4: {
        const TaskState state = rng_.chance(1, 2) ? TaskState::running : TaskState::failed;
        return status_step(some_task(), state);
      }
      case 5:
        return Remove{Task::kKind, some_task(), 0};
      case 6:
        return Remove{Service::kKind, id, 0};
      case 7:
      case 8:
        return write_key("k" + std::to_string(id));
      default:
        return Put{a_node(id)};
    }
  }
  model::Action write_key(const std::string& key) {
    WriteKey write{key, {}, {}, {}};
    if (!rng_.chance(1, 4)) write.value = std::to_string(rng_.below(3));
    if (rng_.chance(1, 4)) write.if_value = std::to_string(rng_.below(3));
    if (rng_.chance(1, 8)) write.if_version = 0;
    return write;
  }
  std::uint64_t some_task() { return 1 + rng_.below(30); }
  model::Action updated_service(std::uint64_t id) {
    const auto stored = live.service(service_id(id));
    if (!stored) return Put{a_service(id, "u" + std::to_string(id))};
    auto service = *stored;
    service.previous_spec = service.spec;
    service.previous_spec_version = service.spec_version;
    service.spec_version = service.meta.version;
    service.spec.task.force_update += 1;
    return Put{service};
  }
  model::Action assign(std::uint64_t task) {
    TaskStep step;
    step.id = task_id(task);
    step.node_id = node_id(1 + rng_.below(4));
    return step;
  }
  std::uint64_t version_of(std::uint64_t id) {
    const auto service = live.service(service_id(id));
    return service ? service->spec_version : 0;
  }
  Rng rng_;
};

TEST(StoreLife, LivedRestoredAndKeptOnDiskAreTheSame) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    RandomLife life(seed);
    Store replica;
    std::map<Store::Key, Store::Record> disk;
    int applied = 0;
    for (std::uint64_t index = 1; index <= 200; ++index) {
      const auto transaction = life.transaction();
      const auto one = life.live.apply(transaction, index), two = replica.apply(transaction, index);
      ASSERT_EQ(one.outcome.error, two.outcome.error);
      applied += one.outcome.applied ? 1 : 0;
      for (const auto& key : life.live.take_dirty()) {
        disk.erase(key);
        if (auto record = life.live.record(key)) disk.emplace(key, std::move(*record));
      }
      if (index == 100) {
        ASSERT_TRUE(replica.restore(records_of(life.live), index).ok());
      }
    }
    EXPECT_GT(applied, 50);
    expect_equal(life.live, replica);
    std::vector<Store::Record> records;
    for (auto& [key, record] : disk) records.push_back(record);
    Store reopened;
    ASSERT_TRUE(reopened.restore(std::move(records), 200).ok());
    expect_equal(life.live, reopened);
  }
}

// ---- views

// All that a view shows, with what can be asked of it besides.
struct Shown {
  std::vector<Store::Record> records;
  std::map<ServiceId, std::vector<TaskId>> of_service;
  std::map<NodeId, std::vector<TaskId>> on_node;
  bool operator==(const Shown&) const = default;
};
Shown shown_by(const View& view) {
  Shown out;
  model::Kinds::each([&]<class T>() {
    view.visit_after<T>(nullptr, [&](const Ref<T>& object) {
      out.records.push_back(*object);
      EXPECT_EQ(view.find<T>(id_of(*object)), object);
      return true;
    });
  });
  for (std::uint64_t id = 1; id <= 6; ++id) {
    out.of_service[service_id(id)] = view.tasks_of_service(service_id(id));
    out.on_node[node_id(id)] = view.tasks_on_node(node_id(id));
  }
  return out;
}

TEST(StoreView, ItShowsItsVersionWhateverComesAfter) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    auto life = std::make_unique<RandomLife>(seed);
    std::vector<std::pair<std::shared_ptr<const View>, Shown>> views;
    for (std::uint64_t index = 1; index <= 120; ++index) {
      life->live.apply(life->transaction(), index);
      if (index % 20 == 0) {
        const auto view = life->live.view();
        EXPECT_EQ(view->version(), index);
        views.emplace_back(view, shown_by(*view));
        EXPECT_EQ(views.back().second.records, records_of(life->live));
      }
      if (index == 70) {
        ASSERT_TRUE(life->live.restore(records_of(life->live), index).ok());
      }
      for (const auto& [view, first] : views)
        ASSERT_EQ(shown_by(*view), first) << "of version " << view->version();
    }
    life.reset();  // a manager that is no more
    for (const auto& [view, first] : views) EXPECT_EQ(shown_by(*view), first);
  }
}

TEST_F(StoreTest, AViewIsReadInPiecesWhileTheStoreChanges) {
  for (std::uint64_t id = 1; id <= 9; ++id) apply({Put{a_node(id)}});
  const auto view = store_.view();
  std::vector<std::uint64_t> seen;
  const auto read = [&](std::size_t most) {
    const NodeId last(seen.empty() ? 0 : seen.back());
    view->visit_after<Node>(seen.empty() ? nullptr : &last, [&](const Ref<Node>& node) {
      seen.push_back(static_cast<std::uint64_t>(node->id.value()));
      return --most > 0;
    });
  };
  read(3);
  apply({Remove{Node::kKind, 2, 0}, Remove{Node::kKind, 4, 0}, Remove{Node::kKind, 9, 0}, Put{a_node(100)}});
  read(3);
  apply({Put{a_node(4)}});
  read(100);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(StoreTest, AViewAndTheStoreShareTheEncodingOfAnObject) {
  apply({Put{a_node(1)}});
  const auto view = store_.view();
  int made = 0;
  const auto encode = [&](const auto&) { return "bytes " + std::to_string(++made); };
  EXPECT_EQ(View::encoding(view->find<Node>(node_id(1)), encode), "bytes 1");
  EXPECT_EQ(*store_.encoding(key_of<Node>(node_id(1)), encode), "bytes 1");
  apply({Remove{Node::kKind, 1, 0}});
  EXPECT_EQ(View::encoding(view->find<Node>(node_id(1)), encode), "bytes 1");
}

// ---- the hash of all that is stored

std::string encode_briefly(const auto& object) {
  if constexpr (requires {
                  object.spec_version;
                  object.templ.service;
                }) {
    return "template " + object.templ.service.name;
  } else if constexpr (requires {
                         object.status.state;
                         object.desired_state;
                       }) {
    return "task " + std::to_string(static_cast<int>(object.status.state)) + " " +
           std::to_string(object.meta.version);
  } else {
    return "version " + std::to_string(object.meta.version);
  }
}
Uint128 hash_of_all(const Store& store) {
  return store.content_hash([](const auto& object) { return encode_briefly(object); });
}
// A store that never was anything else.
Uint128 hash_of_restored(const Store& store, bool with_encodings) {
  std::vector<Store::Encoded> records;
  for (Store::Record& record : records_of(store)) {
    const std::string encoding = std::visit([](const auto& one) { return encode_briefly(one); }, record);
    records.push_back({std::move(record), with_encodings ? encoding : ""});
  }
  Store fresh;
  EXPECT_TRUE(fresh.restore(std::move(records), store.version()).ok());
  return hash_of_all(fresh);
}

TEST(StoreHash, IsThatOfTheContentWhateverTheWayThere) {
  Store store;
  EXPECT_EQ(hash_of_all(store), Uint128{0});
  std::uint64_t index = 0;
  std::set<Uint128> seen;
  const auto check = [&](const char* after) {
    EXPECT_EQ(hash_of_all(store), hash_of_restored(store, true)) << after;
    EXPECT_EQ(hash_of_all(store), hash_of_restored(store, false)) << after;
    EXPECT_TRUE(seen.insert(hash_of_all(store)).second) << after << " nothing has changed";
  };
  const auto step = [&](const char* after, model::Transaction transaction, bool is_looked_at = true) {
    EXPECT_TRUE(store.apply(std::move(transaction), ++index).outcome.applied) << after;
    if (is_looked_at) check(after);
  };
  step("a service", {0, {}, {Put{a_service(1, "web")}}});
  step("a task", {0, {}, {Put{a_task(1, 1, 1)}}});
  step("a step", {0, {}, {status_step(1, TaskState::running)}});
  // Changed twice between two looks, and once before and after the bytes were written.
  step("", {0, {}, {status_step(1, TaskState::complete)}}, false);
  step("two steps", {0, {}, {status_step(1, TaskState::failed)}});
  (void)store.take_dirty();
  EXPECT_EQ(hash_of_all(store), hash_of_restored(store, true));
  model::Service update = *store.service(service_id(1));
  update.spec.annotations.name = "web2";
  ++update.spec_version;
  step("an update, with a template of its own", {0, {}, {Put{update}}});
  step("a key", {0, {}, {WriteKey{"a", "x", {}, {}}}});
  step("without the task", {0, {}, {Remove{Task::kKind, task_id(1).value(), 0}}});
  step("without the service and its templates", {0, {}, {Remove{Service::kKind, service_id(1).value(), 0}}});
  EXPECT_TRUE(store.apply({0, {}, {WriteKey{"a", {}, {}, {}}}}, ++index).outcome.applied);
  EXPECT_EQ(hash_of_all(store), Uint128{0}) << "nothing is left of it";
}

TEST(StoreHash, ARefusedTransactionChangesNothing) {
  Store store;
  store.apply({0, {}, {Put{a_service(1, "web")}}}, 1);
  const Uint128 before = hash_of_all(store);
  EXPECT_FALSE(store.apply({0, {}, {Put{a_node(1)}, Put{a_service(2, "web")}}}, 2).outcome.applied);
  EXPECT_EQ(hash_of_all(store), before);
}

}  // namespace
}  // namespace swarm::store
