// TestSwarm: a real store and real loops, with the log, the scheduler and the agents played by the test. Used
// by tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/container_spec.hpp"
#include "orchestrator/constraint_enforcer.hpp"
#include "orchestrator/global.hpp"
#include "orchestrator/replicated.hpp"
#include "orchestrator/task_reaper.hpp"

namespace swarm::orchestrator {

using model::TaskState;

class TestSwarm {
 public:
  explicit TestSwarm(std::uint64_t nodes = 3) {
    model::Cluster cluster;
    cluster.id = ClusterId(1);
    write(cluster);
    for (std::uint64_t i = 1; i <= nodes; ++i) add_node(i);
  }

  // ---- the log
  model::Outcome apply(model::Transaction transaction) {
    if (transaction.time == WallTime{}) transaction.time = wall();
    const auto applied = store.apply(transaction, ++index_);
    for (auto& loop : loops_) loop->observe(store, applied.changes, now);
    return applied.outcome;
  }
  template <class Object>
  void write(const Object& object) {
    model::Transaction transaction;
    transaction.actions.push_back(model::Put{object});
    EXPECT_TRUE(apply(transaction).applied);
  }
  void step(model::TaskStep one) {
    model::Transaction transaction;
    transaction.actions.push_back(std::move(one));
    apply(transaction);
  }
  // A new leader: everything in memory is gone.
  void elect() {
    loops_.clear();
    loops_.push_back(std::make_unique<ReplicatedOrchestrator>(Rng(1)));
    loops_.push_back(std::make_unique<GlobalOrchestrator>(Rng(2)));
    loops_.push_back(std::make_unique<ConstraintEnforcer>());
    loops_.push_back(std::make_unique<TaskReaper>());
    for (auto& loop : loops_) loop->start(store, now, wall());
  }
  // The loops alone, until they rest; true when one did something.
  bool plan() {
    bool did = false;
    for (int round = 0;; ++round) {
      EXPECT_LT(round, 500) << "the loops do not come to rest";
      bool busy = false;
      for (auto& loop : loops_) {
        auto transaction = loop->plan(store, now, wall());
        if (!transaction) {
          EXPECT_GT(loop->next_deadline(), now) << loop->name();
          continue;
        }
        EXPECT_LE(transaction->actions.size(), store::kMaxActions);
        loop->settled(store, apply(std::move(*transaction)), now);
        busy = did = true;
      }
      if (!busy || round >= 500) return did;
    }
  }
  // Loops, scheduler and agents, until nothing moves; time stands still.
  void settle() {
    if (loops_.empty()) elect();
    for (int round = 0; round < 500; ++round) {
      bool did = plan();
      did |= place();
      did |= agents();
      if (!did) return;
    }
    ADD_FAILURE() << "the swarm does not come to rest";
  }
  void advance(Duration span) {
    const Instant end = now + span;
    settle();
    for (Instant next = deadline(); next <= end; next = deadline()) {
      now = next;
      settle();
    }
    now = end;
    settle();
  }
  WallTime wall() const { return WallTime{1'000'000'000'000'000'000 + now.ns}; }

  void limit_history(std::int64_t rows) {
    model::Cluster cluster = *store.cluster();
    cluster.spec.task_history_retention_limit = rows;
    write(cluster);
  }

  // ---- nodes
  NodeId node_id(std::uint64_t number) const { return NodeId(number); }
  void add_node(std::uint64_t number) {
    model::Node node;
    node.id = node_id(number);
    node.description.hostname = "n" + std::to_string(number);
    node.status.state = model::NodeState::ready;
    write(node);
  }
  template <class Change>
  void change_node(std::uint64_t number, Change&& change) {
    model::Node node = *store.node(node_id(number));
    change(node);
    write(node);
  }
  void set(std::uint64_t number, model::Availability availability) {
    change_node(number, [&](model::Node& node) { node.spec.availability = availability; });
  }
  void set(std::uint64_t number, model::NodeState state) {
    change_node(number, [&](model::Node& node) { node.status.state = state; });
  }

  // ---- services
  static model::ServiceSpec spec(std::uint64_t replicas) {
    model::ServiceSpec out;
    out.annotations.name = "web";
    out.task.container.emplace().image = "nginx:1";
    out.mode = model::ReplicatedMode{replicas};
    out.task.restart.emplace().delay = Duration{};
    return out;
  }
  // As control/service.cpp does it.
  ServiceId create(model::ServiceSpec wanted) {
    model::Service service;
    service.id = ServiceId(++services_);
    service.spec = std::move(wanted);
    write(service);
    return service.id;
  }
  template <class Change>
  void update(ServiceId id, Change&& change) {
    model::Service next = *store.service(id);
    next.previous_spec = next.spec;
    next.previous_spec_version = next.spec_version;
    change(next.spec);
    next.spec_version = next.meta.version;
    next.update_status.reset();
    write(next);
  }
  void roll_back(ServiceId id) {
    model::Service next = *store.service(id);
    std::swap(next.spec, *next.previous_spec);
    std::swap(next.spec_version, next.previous_spec_version);
    next.update_status = model::UpdateStatus{model::UpdateState::rollback_started, wall(), std::nullopt, ""};
    write(next);
  }
  void remove(ServiceId id) {
    model::Transaction transaction;
    transaction.actions.push_back(model::Remove::of<model::Service>(id));
    apply(std::move(transaction));
  }
  const model::UpdateStatus status(ServiceId id) const {
    return store.service(id)->update_status.value_or(model::UpdateStatus{});
  }

  // ---- tasks
  std::vector<TaskRef> tasks(ServiceId id) const {
    std::vector<TaskRef> out;
    for (const auto& [slot, task] : store.tasks_of_service(id)) out.push_back(store.task(task));
    return out;
  }
  std::vector<TaskRef> live(ServiceId id) const {
    std::vector<TaskRef> out;
    for (const auto& task : tasks(id))
      if (task->live()) out.push_back(task);
    return out;
  }
  TaskRef live_in(ServiceId id, std::uint64_t slot) const {
    for (const auto& task : live(id))
      if (task->slot == slot) return task;
    return nullptr;
  }
  std::size_t running(ServiceId id) const {
    std::size_t count = 0;
    for (const auto& task : live(id)) count += task->status.state == TaskState::running ? 1 : 0;
    return count;
  }
  std::size_t running_image(ServiceId id, const std::string& image) const {
    std::size_t count = 0;
    for (const auto& task : live(id))
      count += task->status.state == TaskState::running && task->spec().container->image == image ? 1 : 0;
    return count;
  }
  void report(const model::Task& task, TaskState state) {
    model::TaskStep one;
    one.id = task.id;
    one.status = task.status;
    one.status->state = state;
    one.status->timestamp = wall();
    one.reported_by = task.node_id;
    step(std::move(one));
  }
  void fail(TaskId id, std::string err) {
    const auto task = store.task(id);
    model::TaskStep one;
    one.id = id;
    one.status = task->status;
    one.status->state = TaskState::failed;
    one.status->err = std::move(err);
    one.reported_by = task->node_id;
    step(std::move(one));
  }
  void assign(const model::Task& task, std::uint64_t node, TaskState state = TaskState::assigned) {
    model::TaskStep one;
    one.id = task.id;
    one.node_id = node_id(node);
    one.status = task.status;
    one.status->state = state;
    step(std::move(one));
  }
  // A task of the service as an earlier leader left it.
  TaskId leave(ServiceId id, std::uint64_t slot, std::uint64_t node, TaskState state,
               TaskState desired = TaskState::running) {
    Rng rng(++left_ + 1000);
    model::Task task = new_task(store, *store.service(id), {id, slot, node_id(node)}, desired, wall(), rng);
    task.status.state = state;
    write(task);
    return task.id;
  }

  store::Store store;
  Instant now{1'000'000'000};
  std::set<std::string> broken_images;    // their tasks fail as soon as they start
  std::set<std::string> missing_images;   // their tasks are rejected
  std::set<std::string> stubborn_images;  // their tasks do not stop
  bool scheduling = true;

 private:
  Instant deadline() const {
    Instant next = Instant::never();
    for (const auto& loop : loops_) next = std::min(next, loop->next_deadline());
    return next;
  }
  // Least loaded node first; preassigned tasks where they are.
  bool place() {
    bool did = false;
    if (!scheduling) return false;
    const auto all = store.tasks();
    for (const auto& [id, task] : all) {
      if (task->status.state >= TaskState::assigned) continue;
      NodeId best = task->node_id;
      if (!best.empty() && !store.node(best)->accepts_tasks()) continue;
      if (best.empty() && is_wanted(*task))
        for (const auto& [node_id, node] : store.nodes())
          if (node->accepts_tasks() && (best.empty() || load(node_id) < load(best))) best = node_id;
      if (best.empty()) continue;
      assign(*task, static_cast<std::uint64_t>(best.value()));
      did = true;
    }
    return did;
  }
  std::size_t load(NodeId node) const {
    std::size_t count = 0;
    for (const TaskId id : store.tasks_on_node(node)) count += store.task(id)->live() ? 1 : 0;
    return count;
  }
  bool agents() {
    bool did = false;
    const auto all = store.tasks();
    for (const auto& [id, task] : all) {
      const auto node = store.node(task->node_id);
      if (!node || node->status.state != model::NodeState::ready || task->status.state < TaskState::assigned)
        continue;
      did |= says_that_it_moved(*task);
      if (has_ended(*task)) continue;
      const TaskState next = agent_step(*task);
      if (next == task->status.state) continue;
      report(*task, next);
      did = true;
    }
    return did;
  }
  bool says_that_it_moved(const model::Task& task) {
    const bool stops =
        task.desired_state >= TaskState::shutdown && !stubborn_images.contains(task.spec().container->image);
    if (!stops || !model::may_still_stop(task)) return false;
    model::TaskStep one;
    one.id = task.id;
    one.status = model::moved_away(task);
    one.reported_by = task.node_id;
    step(std::move(one));
    return true;
  }
  TaskState agent_step(const model::Task& task) const {
    const std::string& image = task.spec().container->image;
    if (task.desired_state >= TaskState::shutdown)
      return stubborn_images.contains(image) ? task.status.state : TaskState::shutdown;
    if (missing_images.contains(image)) return TaskState::rejected;
    if (task.status.state == TaskState::running || task.desired_state < TaskState::running)
      return std::max(task.status.state, TaskState::ready);
    return broken_images.contains(image) ? TaskState::failed : TaskState::running;
  }

  std::uint64_t index_ = 0;
  std::uint64_t services_ = 0;
  std::uint64_t left_ = 0;
  std::vector<std::unique_ptr<store::LeaderLoop>> loops_;
};

}  // namespace swarm::orchestrator
