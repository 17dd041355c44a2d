// A dispatcher on a real store, for tests; the test plays the agents.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

inline constexpr Duration kPeriod = Duration::millis(500);

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    model::Cluster cluster;
    cluster.id = ClusterId::random(rng_);
    cluster.spec.heartbeat_period = kPeriod;
    put(cluster);
    model::Service service;
    service.id = service_ = ServiceId::random(rng_);
    service.spec.annotations.name = "web";
    put(service);
  }

  store::Applied apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.time = WallTime{++time_};
    transaction.actions = std::move(actions);
    auto applied = store_.apply(transaction, store_.version() + 1);
    EXPECT_TRUE(applied.outcome.applied) << applied.outcome.error;
    if (started_) dispatcher_.observe(store_, applied.changes, now_);
    return applied;
  }
  template <class T>
  void put(const T& object) {
    apply({model::Put{object}});
  }
  NodeId add_node(model::NodeState state = model::NodeState::unknown,
                  model::FeatureLevel level = model::kFirstLevel) {
    model::Node node;
    node.id = NodeId::random(rng_);
    node.status.state = state;
    node.description.feature_level = level;
    put(node);
    return node.id;
  }
  void set_period(Duration period) {
    model::Cluster cluster = *store_.cluster();
    cluster.spec.heartbeat_period = period;
    put(cluster);
  }
  TaskId add_task(NodeId node, model::TaskState state = model::TaskState::assigned) {
    model::Task task;
    task.id = TaskId::random(rng_);
    task.service_id = service_;
    task.slot = ++slot_;
    task.node_id = node;
    task.status.state = state;
    put(task);
    return task.id;
  }
  void want(TaskId id, model::TaskState desired) {
    model::TaskStep step;
    step.id = id;
    step.desired_state = desired;
    apply({step});
  }

  void start() {
    started_ = true;
    dispatcher_.start(store_, now_, WallTime{1});
  }
  void run() {
    for (int plans = 0; auto plan = dispatcher_.plan(store_, now_, WallTime{++time_}); ++plans) {
      ASSERT_LT(plans, 20) << "the dispatcher is never quiet";
      const auto applied = apply(std::move(plan->actions));
      dispatcher_.settled(store_, applied.outcome, now_);
    }
    EXPECT_GT(dispatcher_.next_deadline(), now_) << "what was due is done";
  }
  void pass(Duration time) {
    now_ = now_ + time;
    run();
  }

  void say(PeerLink link, NodeId node, const wire::Message& message) {
    dispatcher_.on_message(store_, link, {{}, node}, "127.0.1.9", message, now_);
    run();
  }
  template <class T>
  std::vector<T> heard(PeerLink link) {
    for (auto& send : dispatcher_.take_sends()) inbox_.push_back(std::move(send));
    std::vector<T> found;
    std::erase_if(inbox_, [&](const Send& send) {
      const T* one = std::get_if<T>(&send.message);
      if (send.link != link || one == nullptr) return false;
      found.push_back(*one);
      return true;
    });
    return found;
  }
  static std::vector<TaskId> tasks_in(const wire::FeedUpdate& update) {
    std::vector<TaskId> out;
    for (const auto& item : update.items)
      if (const auto* task = std::get_if<model::Task>(&item)) out.push_back(task->id);
    return out;
  }
  // Registers and acknowledges the complete feed; the session's number. `previous`: the agent's last session.
  std::uint64_t join(PeerLink link, NodeId node, std::uint64_t previous = 0) {
    say(link, node, wire::Register{node, store_.node(node)->description, previous});
    const auto sessions = heard<wire::Session>(link);
    const auto feed = heard<wire::FeedUpdate>(link);
    EXPECT_GE(sessions.size(), 1u);
    EXPECT_EQ(feed.size(), 1u);
    if (sessions.empty() || feed.empty()) return 0;
    say(link, node, wire::FeedAck{sessions[0].session, feed[0].to, 0, {}});
    return sessions[0].session;
  }
  const model::NodeStatus& status(NodeId node) { return store_.node(node)->status; }
  model::TaskState state(TaskId task) { return store_.task(task)->state(); }

  Rng rng_{11};
  store::Store store_;
  Dispatcher dispatcher_{Rng(12), kPeriod};
  ServiceId service_;
  Instant now_{1'000};
  std::int64_t time_ = 0;
  std::uint64_t slot_ = 0;
  bool started_ = false;
  std::vector<Send> inbox_;
};

}  // namespace swarm::dispatcher
