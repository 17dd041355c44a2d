// Ready-made rules, broken on purpose: a rule that nothing breaks guards nothing. Those that a test can break
// by what it does to a swarm are in tests/python/test_checks.py.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/load.hpp"
#include "sim/watch_rules.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;

class CommittedRules : public testing::Test {
 protected:
  CommittedRules() {
    for (const std::uint64_t id : {1U, 2U, 3U}) {
      model::Node node;
      node.id = NodeId(id);
      node.status.state = model::NodeState::ready;
      commit({model::Put{node}});
    }
    census_.begin(store_);
  }
  // What each rule says of one more entry; the first sentence.
  std::string commit(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    if (census_.begun()) census_.changed(applied.changes.changes, store_);
    std::string said;
    for (Rule& rule : rules_) {
      const Verdict verdict =
          rule.committed({applied.changes.changes, store_, census_, Instant{} + Duration::millis(1204)});
      if (verdict && said.empty()) said = *verdict;
    }
    return said;
  }
  void watch(RuleSpec spec) { rules_.push_back(*make_rule(spec)); }
  static model::Service web(std::uint64_t replicas, std::uint64_t parallelism) {
    model::Service service;
    service.id = ServiceId(1);
    service.spec.annotations.name = "web";
    service.spec.mode = model::ReplicatedMode{replicas};
    service.spec.update.emplace().parallelism = parallelism;
    return service;
  }
  static model::Task task(std::uint64_t id, std::uint64_t slot, TaskState state, std::uint64_t version = 0) {
    model::Task out;
    out.id = TaskId(id);
    out.service_id = ServiceId(1);
    out.slot = slot;
    out.node_id = NodeId(1 + id % 3);
    out.spec_version = version;
    out.status.state = state;
    return out;
  }
  static model::TaskStep wish(std::uint64_t id, TaskState desired) {
    model::TaskStep step;
    step.id = TaskId(id);
    step.desired_state = desired;
    return step;
  }
  // `slots` of it run, and an update to version 7 begins.
  void begin_update(std::uint64_t slots, std::uint64_t parallelism) {
    ASSERT_EQ(commit({model::Put{web(slots, parallelism)}}), "");
    for (std::uint64_t slot = 1; slot <= slots; ++slot)
      ASSERT_EQ(commit({model::Put{task(slot, slot, TaskState::running)}}), "");
    model::Service next = *store_.service(ServiceId(1));
    next.spec_version = 7;
    next.update_status.emplace();
    ASSERT_EQ(commit({model::Put{next}}), "");
  }
  std::string replace(std::uint64_t slot) {
    return commit({wish(slot, TaskState::shutdown), model::Put{task(10 + slot, slot, TaskState::new_, 7)}});
  }

  store::Store store_;
  Census census_;
  std::vector<Rule> rules_;
};

TEST_F(CommittedRules, an_update_that_takes_too_many_slots_is_told) {
  watch({"update_pace", "web", 0});
  begin_update(3, 2);
  EXPECT_EQ(replace(1), "");
  EXPECT_EQ(replace(2), "");
  EXPECT_EQ(replace(3), "web had 3 slots under update at 1.204s, its parallelism is 2");
}

TEST_F(CommittedRules, a_slot_is_out_of_hand_when_its_new_task_runs) {
  watch({"update_pace", "", 0});
  begin_update(3, 1);
  EXPECT_EQ(replace(1), "");
  model::TaskStep runs;
  runs.id = TaskId(11);
  runs.status.emplace().state = TaskState::running;
  EXPECT_EQ(commit({runs}), "");
  EXPECT_EQ(replace(2), "");
  EXPECT_NE(replace(3), "");
}

TEST_F(CommittedRules, more_slots_than_replicas_are_told_and_fewer_replicas_are_not) {
  watch({"replicas_at_most_desired", "", 0});
  ASSERT_EQ(commit({model::Put{web(2, 1)}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 2, TaskState::running)}}), "");
  model::Service smaller = *store_.service(ServiceId(1));
  smaller.spec.mode = model::ReplicatedMode{1};
  EXPECT_EQ(commit({model::Put{smaller}}), "");
  EXPECT_EQ(commit({model::Put{task(3, 3, TaskState::running)}}),
            "web ran in 3 slots at 1.204s, 1 are wanted");
}

TEST_F(CommittedRules, two_tasks_of_a_slot_are_told) {
  watch({"at_most_one_per_slot", "", 0});
  ASSERT_EQ(commit({model::Put{web(2, 1)}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 1, TaskState::running)}}),
            "2 tasks of web.1 were meant to run at 1.204s, a slot has one");
}

TEST_F(CommittedRules, a_node_that_goes_down_takes_its_tasks_out_of_the_count) {
  watch({"at_least_running", "web", 2});
  ASSERT_EQ(commit({model::Put{web(2, 1)}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 2, TaskState::running)}}), "");
  model::Node down = *store_.node(NodeId(2));
  down.status.state = model::NodeState::down;
  EXPECT_EQ(commit({model::Put{down}}), "web ran 1 task at 1.204s, at least 2 were promised");
}

TEST(Elections, are_counted_once_for_each_leader_of_a_term) {
  Elections elections;
  elections.leads(2, 11);
  elections.leads(2, 11);
  elections.leads(3, 12);
  EXPECT_EQ(elections.count(), 2U);
  EXPECT_EQ(elections.most_in_a_term(), 1U);
  elections.leads(3, 13);
  EXPECT_EQ(elections.most_in_a_term(), 2U);
}

TEST(Loads, have_each_request_at_its_instant) {
  Load load;
  load.per_1000_seconds = 30'000;  // thirty a second: no whole number of nanoseconds
  load.machines = {0};
  for (const std::uint64_t n : {0U, 1U, 30U, 30'000U, 3'000'000U}) {
    load.sent = n;
    EXPECT_EQ((load.due() - Instant{}).ns, static_cast<std::int64_t>(n * 1'000'000'000 / 30)) << n;
  }
}

TEST(Rules, are_known_by_their_words) {
  EXPECT_FALSE(make_rule({"no_such_rule", "", 0}));
  EXPECT_EQ(make_rule({"quorum_kept", "", 0})->name, "quorum_kept");
}

}  // namespace
}  // namespace swarm::sim
