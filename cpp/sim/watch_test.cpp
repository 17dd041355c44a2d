// Ready-made rules, broken on purpose: a rule that nothing breaks guards nothing. Those that a test can break
// by what it does to a swarm are in tests/python/test_checks.py.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "sim/census.hpp"
#include "sim/load.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/network.hpp"
#include "sim/requests.hpp"
#include "sim/shared.hpp"
#include "sim/watch.hpp"
#include "sim/watch_rules.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

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
  void watch(const RuleSpec& spec) { rules_.push_back(*make_rule(spec)); }
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
  // Three slots of it run, and a rollback begins; how many slots at once an update and a rollback may take.
  void begin_rollback(std::uint64_t update, std::uint64_t rollback) {
    model::Service service = web(3, update);
    service.spec.rollback.emplace().parallelism = rollback;
    ASSERT_EQ(commit({model::Put{service}}), "");
    for (std::uint64_t slot = 1; slot <= 3; ++slot)
      ASSERT_EQ(commit({model::Put{task(slot, slot, TaskState::running)}}), "");
    model::Service back = *store_.service(ServiceId(1));
    back.spec_version = 7;
    back.update_status.emplace().state = model::UpdateState::rollback_started;
    ASSERT_EQ(commit({model::Put{back}}), "");
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

TEST_F(CommittedRules, a_plan_that_may_be_older_than_its_nodes_return_is_not_blamed) {
  watch({"update_pace", "web", 0});
  begin_update(4, 1);
  for (const auto state : {model::NodeState::down, model::NodeState::ready})
    for (const std::uint64_t id : {1U, 2U, 3U}) {
      model::Node node = *store_.node(NodeId(id));
      node.status.state = state;
      ASSERT_EQ(commit({model::Put{node}}), "");
    }
  EXPECT_EQ(replace(1), "");
  EXPECT_EQ(replace(2), "");
  for (int entry = 0; entry < 64; ++entry) ASSERT_EQ(commit({}), "");
  EXPECT_EQ(replace(3), "");
  EXPECT_NE(replace(4), "");
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

TEST_F(CommittedRules, a_slot_may_have_two_where_the_new_one_starts_first_and_no_three) {
  watch({"at_most_one_per_slot", "web", 0});
  model::Service service = web(2, 1);
  service.spec.update->order = model::UpdateOrder::start_first;
  ASSERT_EQ(commit({model::Put{service}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(3, 1, TaskState::running)}}),
            "3 tasks of web.1 were meant to run at 1.204s, a slot has two while one replaces the other");
}

TEST_F(CommittedRules, tasks_of_a_global_service_are_told_apart_by_their_nodes) {
  watch({"at_most_one_per_slot", "", 0});
  model::Service service = web(1, 1);
  service.spec.mode = model::GlobalMode{};
  ASSERT_EQ(commit({model::Put{service}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 0, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 0, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(4, 0, TaskState::running)}}),  // on the node of task 1
            "2 tasks of web." + NodeId(2).str() + " were meant to run at 1.204s, a slot has one");
}

TEST_F(CommittedRules, a_task_that_is_told_to_stop_is_not_counted) {
  watch({"at_least_running", "web", 2});
  watch({"at_most_one_per_slot", "web", 0});
  ASSERT_EQ(commit({model::Put{web(2, 1)}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 2, TaskState::running)}}), "");
  EXPECT_EQ(commit({wish(1, TaskState::shutdown)}), "web ran 1 task at 1.204s, at least 2 were promised");
  EXPECT_EQ(commit({model::Put{task(4, 1, TaskState::running)}}), "");
}

TEST_F(CommittedRules, at_least_is_a_promise_from_the_first_time_on_and_at_most_from_the_beginning) {
  watch({"at_least_running", "web", 2});
  watch({"at_most_running", "web", 2});
  ASSERT_EQ(commit({model::Put{web(3, 1)}}), "");
  EXPECT_EQ(commit({model::Put{task(1, 1, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(2, 2, TaskState::running)}}), "");
  EXPECT_EQ(commit({model::Put{task(3, 3, TaskState::running)}}),
            "web ran 3 tasks at 1.204s, at most 2 were allowed");
  EXPECT_EQ(commit({wish(3, TaskState::shutdown)}), "");
  EXPECT_EQ(commit({wish(2, TaskState::shutdown)}), "web ran 1 task at 1.204s, at least 2 were promised");
}

TEST_F(CommittedRules, the_way_back_has_a_pace_of_its_own) {
  watch({"update_pace", "web", 0});
  begin_rollback(3, 1);
  EXPECT_EQ(replace(1), "");
  EXPECT_EQ(replace(2), "web had 2 slots under update at 1.204s, its parallelism is 1");
}

TEST_F(CommittedRules, a_way_back_that_pauses_is_not_measured_by_the_pace_of_updates) {
  watch({"update_pace", "web", 0});
  begin_rollback(1, 3);
  EXPECT_EQ(replace(1), "");
  EXPECT_EQ(replace(2), "");
  model::Service back = *store_.service(ServiceId(1));
  back.update_status->state = model::UpdateState::rollback_paused;
  EXPECT_EQ(commit({model::Put{back}}), "");
}

TEST_F(CommittedRules, a_new_leader_begins_an_update_anew) {
  watch({"update_pace", "web", 0});
  begin_update(3, 1);
  EXPECT_EQ(replace(1), "");
  model::NodeStep leads;
  leads.id = NodeId(1);
  leads.manager.emplace().emplace().raft_id = 5;
  EXPECT_EQ(commit({leads}), "");
  EXPECT_EQ(replace(2), "");
  EXPECT_NE(replace(3), "");
}

// ---- what clients were promised

class Promises : public CommittedRules {
 protected:
  Promises() { watch({"no_lost_writes", "", 0}); }
  std::string answered(const std::string& method, const std::string& path, std::uint32_t status,
                       const std::string& body = "") {
    const Answer answer{method, path, status, body, Instant{} + Duration::millis(2005)};
    return rules_.front().answered(answer, {machines_, network_, &store_, answer.at}).value_or("");
  }
  static std::string created(std::uint64_t id) { return R"({"ID":")" + ServiceId(id).str() + R"("})"; }

  Shared shared_{WorldOptions{}};
  Network network_{shared_, Rng(1)};
  Machines machines_;
};

TEST_F(Promises, what_was_created_is_there_when_it_is_answered) {
  commit({model::Put{web(2, 1)}});
  EXPECT_EQ(answered("POST", "services/create", 201, created(1)), "");
  EXPECT_EQ(answered("POST", "services/web/update", 200), "");
  EXPECT_EQ(answered("POST", "services/create", 201, created(2)),
            "POST /services/create was answered 201 at 2.005s, and the committed state has no such service");
  EXPECT_EQ(answered("POST", "services/create", 409, created(2)), "") << "nothing was promised";
  EXPECT_EQ(answered("POST", "services/create", 300, created(2)), "");
}

TEST_F(Promises, what_was_removed_is_gone_when_it_is_answered) {
  commit({model::Put{web(2, 1)}});
  EXPECT_EQ(answered("DELETE", "services/web", 503), "");
  EXPECT_EQ(answered("DELETE", "services/web", 200),
            "DELETE /services/web was answered 200 at 2.005s, and the service is still there");
  commit({model::Remove{model::Service::kKind, 1}});
  EXPECT_EQ(answered("DELETE", "services/web", 200), "");
  EXPECT_EQ(answered("POST", "services/web/update", 200), "") << "a write before the removal, answered late";
}

TEST_F(Promises, an_answer_that_broke_off_is_none) {
  Watch watch(shared_, machines_, network_);
  std::vector<std::uint32_t> judged;
  Rule rule;
  rule.answered = [&](const Answer& answer, const View&) -> Verdict {
    judged.push_back(answer.status);
    return std::nullopt;
  };
  watch.add(rule);
  std::map<std::uint64_t, Reply> replies;
  for (const std::uint64_t call : {1U, 2U, 3U}) {
    watch.asked_api(call, "POST", "/v1.41/services/create");
    replies[call].begun = true;
    replies[call].head.status = static_cast<std::uint32_t>(200 + call);
  }
  const auto reply = [&](std::uint64_t call) { return replies.contains(call) ? &replies[call] : nullptr; };
  watch.happened(0, reply);
  EXPECT_TRUE(judged.empty()) << "none has ended";
  replies[1].ended = replies[1].cut = true;
  replies[2].ended = true;
  replies.erase(3);  // its client has hung up
  watch.happened(0, reply);
  watch.happened(0, reply);
  EXPECT_EQ(judged, (std::vector<std::uint32_t>{202}));
}

TEST(RequestRules, a_status_from_400_on_is_a_failure_too) {
  const Rule rule = *make_rule({"no_failed_requests", "", 0});
  RequestDone request;
  request.sent = Instant{} + Duration::millis(1500);
  request.ended = Instant{} + Duration::millis(1750);
  request.port = 8080;
  request.status = 399;
  EXPECT_EQ(rule.requested(request, "w1"), std::nullopt);
  request.status = 400;
  request.error = "HTTP status 400";
  EXPECT_EQ(rule.requested(request, "w1"), "GET w1:8080, sent at 1.500s, failed at 1.750s: HTTP status 400");
  request.status = 0;
  request.error = "timed out";
  EXPECT_EQ(rule.requested(request, "w1"), "GET w1:8080, sent at 1.500s, failed at 1.750s: timed out");
}

TEST(RequestLog, knows_what_failed_and_who_answered) {
  RequestLog log;
  const auto at = [](std::int64_t ms) { return Instant{} + Duration::millis(ms); };
  for (const std::uint64_t id : {1U, 2U, 3U, 4U, 5U}) log.began(id, at(100), 0, 80, id < 5 ? 7 : 0);
  EXPECT_EQ(log.open(7), 4U);
  EXPECT_TRUE(log.ended(1, at(110), 200, "service: web\nslot: 3\nnode: w1\n", ""));
  EXPECT_TRUE(log.ended(2, at(110), 404, "", ""));
  EXPECT_FALSE(log.ended(2, at(120), 200, "", "")) << "it has ended already";
  log.give_up(at(99), at(130));
  EXPECT_EQ(log.open(7), 2U);
  log.give_up(at(100), at(140));
  EXPECT_EQ(log.open(7), 0U);
  EXPECT_EQ(log.open(0), 1U) << "no load's: whoever asked waits";
  EXPECT_FALSE(log.ended(5, at(150), 0, "", "connection refused"));
  ASSERT_EQ(log.done().size(), 5U);
  EXPECT_EQ(log.failed(), 4U);
  EXPECT_EQ(log.done()[0].task, "web.3");
  EXPECT_EQ(log.done()[0].node, "w1");
  EXPECT_EQ(log.done()[1].error, "HTTP status 404");
  EXPECT_EQ(log.done()[2].error, "timed out");
  EXPECT_EQ(log.done()[2].ended, at(140));
}

TEST(Loads, ask_their_machines_in_turn) {
  Load load;
  load.per_1000_seconds = 1000;
  load.machines = {2, 0, 5};
  std::vector<MachineIndex> asked;
  for (; load.sent < 5; ++load.sent) asked.push_back(load.target());
  EXPECT_EQ(asked, (std::vector<MachineIndex>{2, 0, 5, 2, 0}));
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
