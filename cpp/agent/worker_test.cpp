// The worker alone: messages, runner events and time in; effects out (swarmkit agent/exec/controller_test.go,
// agent/worker_test.go).
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/restart.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::agent {
namespace {

using model::TaskState;

constexpr std::uint64_t kSession = 77;
constexpr Duration kPeriod = Duration::millis(500);

class WorkerTest : public testing::Test {
 protected:
  // What the worker wants done since the last call, and what is on its disk by then.
  std::vector<Effect> take() {
    std::vector<Effect> effects = worker().take_effects();
    if (!all<SaveTask>(effects).empty()) obeyed_ = worker().obeyed();
    for (const auto& effect : effects)
      if (const auto* save = std::get_if<SaveTask>(&effect)) {
        disk_.erase(save->task);
        if (save->record) disk_[save->task] = *save->record;
      }
    EXPECT_TRUE(worker().take_effects().empty()) << "quiet when nothing happened";
    return effects;
  }
  template <class T>
  static std::vector<T> all(const std::vector<Effect>& effects) {
    std::vector<T> found;
    for (const auto& effect : effects)
      if (const auto* one = std::get_if<T>(&effect)) found.push_back(*one);
    return found;
  }
  template <class T>
  static std::vector<T> sent(const std::vector<Effect>& effects) {
    std::vector<T> found;
    for (const auto& effect : effects)
      if (const auto* send = std::get_if<SendToManager>(&effect))
        if (const auto* message = std::get_if<T>(&send->message)) found.push_back(*message);
    return found;
  }
  static std::vector<std::string> events(const std::vector<Effect>& effects) {
    std::vector<std::string> words;
    for (const auto& event : all<ContainerEvent>(effects)) words.push_back(event.action);
    return words;
  }

  Worker& worker() { return *worker_; }
  void restart() { worker_ = std::make_unique<Worker>(node_, model::NodeDescription{}, Rng(6)); }
  void say(const wire::Message& message) { worker().on_message(message, now_, wall_); }
  void open_session(std::uint64_t number = kSession) {
    worker().connected(now_);
    say(wire::Session{number, kPeriod, model::NodeRole::worker, {}});
  }
  model::Task task(TaskState desired = TaskState::running) {
    auto templ = std::make_shared<model::TaskTemplate>();
    templ->spec.container.emplace();
    templ->spec.container.edit().image = "nginx:latest";
    model::Task task;
    task.id = TaskId::random(rng_);
    task.node_id = node_;
    task.slot = 1;
    task.desired_state = desired;
    task.status.state = TaskState::assigned;
    task.templ = templ;
    return task;
  }
  // The complete feed, in one piece.
  void assign_all(const std::vector<model::Task>& tasks) {
    say(wire::FeedUpdate{kSession, 0, ++number_, true, true, 0, {tasks.begin(), tasks.end()}, {}});
  }
  static wire::FeedUpdate update(std::uint64_t from, const std::vector<model::Task>& tasks,
                                 const std::vector<TaskId>& removed = {}) {
    wire::FeedUpdate out{kSession, from, from + 1, false, false, 0, {tasks.begin(), tasks.end()}, {}};
    for (const TaskId id : removed) out.removed.push_back(wire::FeedKey::task(id));
    return out;
  }
  void increment(const std::vector<model::Task>& tasks, const std::vector<TaskId>& removed = {}) {
    say(update(number_++, tasks, removed));
  }
  std::vector<wire::FeedAck> acks() { return sent<wire::FeedAck>(take()); }
  void prepared(TaskId id, const std::string& error = "") { worker().on_prepared(id, error, now_, wall_); }
  void started(TaskId id, const std::string& error = "") {
    worker().on_started(id, error, "c0ffee", 4242, "127.0.1.1", now_, wall_);
  }
  void exited(TaskId id, std::int64_t code) { worker().on_exited(id, code, "", now_, wall_); }
  TaskId running() {
    const model::Task one = task();
    open_session();
    assign_all({one});
    prepared(one.id);
    started(one.id);
    take();
    return one.id;
  }
  const model::TaskStatus& status(TaskId id) { return worker().tasks().at(id).task.status; }
  void acknowledge_report() { say(wire::TaskReportAck{kSession, last_report_}); }
  std::vector<std::pair<TaskId, model::TaskStatus>> report() {
    const auto reports = sent<wire::TaskReport>(take());
    if (reports.empty()) return {};
    last_report_ = reports.back().sequence;
    return reports.back().statuses;
  }

  Rng rng_{5};
  NodeId node_ = NodeId::random(rng_);
  std::unique_ptr<Worker> worker_ = std::make_unique<Worker>(node_, model::NodeDescription{}, Rng(6));
  Instant now_{1'000};
  WallTime wall_{1'000};
  std::uint64_t number_ = 0, last_report_ = 0;
  std::map<TaskId, model::Task> disk_;
  wire::StoreMoment obeyed_;  // on disk, with the records
};

TEST_F(WorkerTest, ATaskGoesFromAcceptedToRunningOneActionAtATime) {
  const model::Task one = task();
  open_session();
  assign_all({one});
  auto effects = take();
  ASSERT_EQ(all<PrepareTask>(effects).size(), 1u);
  EXPECT_TRUE(all<StartTask>(effects).empty());
  EXPECT_EQ(status(one.id).state, TaskState::preparing);
  prepared(one.id);
  effects = take();
  ASSERT_EQ(all<StartTask>(effects).size(), 1u);
  EXPECT_EQ(events(effects), (std::vector<std::string>{"create"}));
  EXPECT_EQ(disk_.at(one.id).state(), TaskState::starting) << "written before it is acted on";
  ASSERT_TRUE(std::holds_alternative<SaveTask>(effects.front()));
  EXPECT_TRUE(std::get<SaveTask>(effects.front()).first) << "a start that was tried is never forgotten";
  started(one.id);
  EXPECT_EQ(events(take()), (std::vector<std::string>{"start"}));
  EXPECT_EQ(status(one.id).state, TaskState::running);
  EXPECT_EQ(status(one.id).message, "started");
  EXPECT_EQ(status(one.id).container.pid, 4242);
}

TEST_F(WorkerTest, AHostPortThatIsLeftOpenIsPickedAndReported) {
  const auto published = [&](TaskId id) {
    std::vector<std::uint32_t> ports;
    for (const auto& port : status(id).port_status) ports.push_back(port.published_port);
    return ports;
  };
  const auto mode = model::PublishMode::host;
  auto templ = std::make_shared<model::TaskTemplate>(*task().templ);
  templ->endpoint = model::EndpointSpec{};
  templ->endpoint->ports = {{"", model::PortProtocol::tcp, 80, 0, mode},
                            {"", model::PortProtocol::tcp, 81, 8181, mode},
                            {"", model::PortProtocol::tcp, 82, 8282, model::PublishMode::ingress}};
  model::Task one = task(), two = task();
  one.templ = two.templ = templ;
  auto table = std::make_shared<model::ForwardingTable>();
  table->routes.push_back({{model::tcp_port(49152), 80}, {}, {}});
  worker().set_table(table);
  open_session();
  assign_all({one, two});
  for (const TaskId id : {one.id, two.id}) {
    prepared(id);
    started(id);
  }
  EXPECT_EQ(published(one.id), (std::vector<std::uint32_t>{49153, 8181}));
  EXPECT_EQ(published(two.id), (std::vector<std::uint32_t>{49154, 8181}));
  exited(one.id, 0);
  EXPECT_TRUE(published(one.id).empty()) << "free again";
}

TEST_F(WorkerTest, AnUnknownImageIsRejected) {
  const model::Task one = task();
  open_session();
  assign_all({one});
  prepared(one.id, "No such image: x:y");
  EXPECT_TRUE(all<StartTask>(take()).empty());
  EXPECT_EQ(status(one.id).state, TaskState::rejected);
  EXPECT_EQ(status(one.id).err, "No such image: x:y");
}

TEST_F(WorkerTest, ATaskThatCannotStartHasFailed) {
  const model::Task one = task();
  open_session();
  assign_all({one});
  prepared(one.id);
  started(one.id, "exec: not found");
  EXPECT_EQ(status(one.id).state, TaskState::failed);
  EXPECT_EQ(status(one.id).message, "starting");
  EXPECT_TRUE(worker().idle());
}

TEST_F(WorkerTest, AnExitIsCompleteOrFailed) {
  const TaskId first = running();
  exited(first, 137);
  EXPECT_EQ(status(first).state, TaskState::failed);
  EXPECT_EQ(status(first).err, "task: non-zero exit (137)");
  EXPECT_EQ(status(first).container.exit_code, 137);
  EXPECT_EQ(events(take()), (std::vector<std::string>{"die"}));
  const model::Task second = task();
  increment({second});
  prepared(second.id);
  started(second.id);
  exited(second.id, 0);
  EXPECT_EQ(status(second.id).state, TaskState::complete);
  EXPECT_EQ(status(second.id).message, "finished");
}

TEST_F(WorkerTest, DesiredReadyParksUntilMoreIsWanted) {
  model::Task one = task(TaskState::ready);
  open_session();
  assign_all({one});
  prepared(one.id);
  EXPECT_TRUE(all<StartTask>(take()).empty());
  EXPECT_EQ(status(one.id).state, TaskState::ready);
  one.desired_state = TaskState::running;
  increment({one});
  EXPECT_EQ(all<StartTask>(take()).size(), 1u);
}

TEST_F(WorkerTest, DesiredShutdownStopsOnceAndIsShutdownAfterTheExit) {
  const TaskId id = running();
  model::Task one = worker().tasks().at(id).task;
  one.desired_state = TaskState::remove;  // seen as a shutdown
  increment({one});
  auto effects = take();
  ASSERT_EQ(all<StopTask>(effects).size(), 1u);
  EXPECT_EQ(all<StopTask>(effects)[0].grace, Duration::seconds(10));
  assign_all({one});
  EXPECT_TRUE(all<StopTask>(take()).empty());
  EXPECT_EQ(status(id).state, TaskState::running);
  exited(id, 143);
  EXPECT_EQ(status(id).state, TaskState::shutdown);
  EXPECT_EQ(status(id).message, "shutdown");
  EXPECT_EQ(status(id).err, "");
  EXPECT_TRUE(worker().tasks().at(id).container_exists) << "until the assignment is gone";
}

TEST_F(WorkerTest, AShutdownThatComesWhileStartingWaitsForTheStart) {
  model::Task one = task();
  open_session();
  assign_all({one});
  prepared(one.id);
  take();
  one.desired_state = TaskState::shutdown;
  increment({one});
  EXPECT_TRUE(all<StopTask>(take()).empty());
  started(one.id);
  EXPECT_EQ(all<StopTask>(take()).size(), 1u);
}

TEST_F(WorkerTest, ATaskNotYetStartedIsShutDownWithoutRunning) {
  model::Task one = task();
  open_session();
  assign_all({one});
  one.desired_state = TaskState::shutdown;
  increment({one});
  EXPECT_EQ(status(one.id).state, TaskState::shutdown);
  prepared(one.id);
  EXPECT_TRUE(all<StartTask>(take()).empty());
}

TEST_F(WorkerTest, ARemovedAssignmentIsStoppedThenRemoved) {
  const TaskId id = running();
  increment({}, {id});
  auto effects = take();
  EXPECT_EQ(all<StopTask>(effects).size(), 1u);
  EXPECT_TRUE(all<RemoveTask>(effects).empty());
  exited(id, 0);
  effects = take();
  EXPECT_EQ(all<RemoveTask>(effects).size(), 1u);
  EXPECT_EQ(events(effects), (std::vector<std::string>{"die", "stop", "destroy"}));
  EXPECT_TRUE(worker().tasks().empty());
  EXPECT_TRUE(disk_.empty());
}

TEST_F(WorkerTest, WhatTheWholeSetDoesNotNameGoes) {
  const TaskId id = running();
  assign_all({});
  exited(id, 0);
  EXPECT_EQ(all<RemoveTask>(take()).size(), 1u);
}

TEST_F(WorkerTest, AfterACrashWhatRanHasFailedAndTheRestGoesOn) {
  const TaskId ran = running();
  const model::Task parked = task(TaskState::ready), waiting = task();
  increment({parked, waiting});
  prepared(parked.id);
  take();
  const auto records = disk_;
  restart();
  std::vector<model::Task> list;
  for (const auto& [id, record] : records) list.push_back(record);
  worker().resume(list, obeyed_, now_, wall_);
  const auto effects = take();
  EXPECT_EQ(status(ran).state, TaskState::failed);
  EXPECT_EQ(status(ran).err, "task: non-zero exit (255)");
  EXPECT_FALSE(model::ended_by_itself(worker().tasks().at(ran).task)) << "which is not its own fault";
  EXPECT_EQ(disk_.at(ran).state(), TaskState::failed);
  ASSERT_EQ(all<PrepareTask>(effects).size(), 1u) << "before any manager is heard";
  EXPECT_EQ(all<PrepareTask>(effects)[0].task.id, waiting.id);
  model::Task wanted = parked;
  wanted.desired_state = TaskState::running;
  number_ = 0;
  open_session();
  assign_all({worker().tasks().at(ran).task, wanted, waiting});
  EXPECT_EQ(all<PrepareTask>(take()).at(0).task.id, parked.id) << "prepared anew before it starts";
  EXPECT_EQ(status(parked.id).state, TaskState::ready);
  prepared(parked.id);
  EXPECT_EQ(all<StartTask>(take()).size(), 1u);
}

TEST_F(WorkerTest, ATaskThatRanByTheStoreOnlyIsNotStartedAgain) {
  model::Task one = task();
  one.status.state = TaskState::running;
  open_session();
  assign_all({one});
  const auto effects = take();
  EXPECT_TRUE(all<PrepareTask>(effects).empty());
  EXPECT_EQ(status(one.id).state, TaskState::failed);
}

TEST_F(WorkerTest, OfATaskThatHadToMoveBeforeItCameItSaysThatItDoesNotRun) {
  model::Task one = task();
  one.status.state = TaskState::rejected;
  one.status.message = model::kHasToMove;
  one.desired_state = TaskState::shutdown;
  open_session();
  assign_all({one});
  const auto reports = sent<wire::TaskReport>(take());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].statuses.at(0).first, one.id);
}

TEST_F(WorkerTest, UpdatesApplyInOrderAndAGapIsRefused) {
  open_session();
  take();
  say(update(1, {task()}));
  auto answer = acks().at(0);
  EXPECT_EQ(answer.applied, 0u);
  EXPECT_EQ(answer.refused, 2u) << "the complete feed comes first";
  assign_all({});
  EXPECT_EQ(acks().at(0).applied, number_);
  const auto lost = update(number_, {task()});
  number_ += 1;
  increment({task()});
  EXPECT_EQ(acks().at(0).refused, lost.to + 1);
  EXPECT_TRUE(worker().tasks().empty());
  say(lost);
  say(lost);  // doubled: heard once
  EXPECT_EQ(all<PrepareTask>(take()).size(), 1u);
  auto foreign = update(lost.to, {task()});
  foreign.session = kSession + 1;
  say(foreign);
  EXPECT_TRUE(acks().empty()) << "another session's update is not answered";
  EXPECT_EQ(worker().tasks().size(), 1u);
}

// What was sent again says more than what got lost: it applies to every number from the one that it builds
// on.
TEST_F(WorkerTest, AnUpdateThatWasSentAgainAppliesWhateverCameOfTheFirst) {
  open_session();
  const model::Task one = task(), two = task();
  assign_all({});
  increment({one});
  take();
  wire::FeedUpdate again = update(1, {one, two});
  again.to = 5;
  say(again);
  EXPECT_EQ(acks().at(0).applied, 5u);
  EXPECT_EQ(worker().tasks().size(), 2u);
  say(update(2, {}, {two.id}));  // from before: late, and old by now
  EXPECT_EQ(acks().at(0).applied, 5u);
  EXPECT_EQ(worker().tasks().size(), 2u);
}

TEST_F(WorkerTest, TheCompleteFeedComesInPiecesAndWhatNoneNamesGoesAtItsEnd) {
  const TaskId old = running();
  worker().disconnected(now_);
  open_session(kSession);
  const model::Task one = task(), two = task();
  say(wire::FeedUpdate{kSession, 0, 1, true, false, 0, {one}, {}});
  take();
  EXPECT_EQ(worker().tasks().size(), 2u) << "it may be named yet";
  say(wire::FeedUpdate{kSession, 1, 2, false, true, 0, {two}, {}});
  EXPECT_EQ(all<StopTask>(take()).at(0).task, old);
  say(wire::FeedUpdate{kSession, 1, 3, false, true, 0, {two}, {}});  // its acknowledgement got lost
  EXPECT_EQ(acks().at(0).applied, 3u);
  EXPECT_TRUE(worker().tasks().contains(one.id)) << "an end without a beginning ends nothing";
}

TEST_F(WorkerTest, ACompleteFeedThatBreaksOffTakesNothingAway) {
  const TaskId old = running();
  worker().disconnected(now_);
  open_session(kSession);
  say(wire::FeedUpdate{kSession, 0, 1, true, false, 0, {task()}, {}});
  worker().disconnected(now_);
  open_session(kSession + 1);
  say(wire::FeedUpdate{kSession + 1, 1, 2, false, true, 0, {}, {}});
  EXPECT_TRUE(all<StopTask>(take()).empty());
  EXPECT_EQ(status(old).state, TaskState::running);
}

TEST_F(WorkerTest, RowsOfTheMeshAreHandedOnAtOnce) {
  open_session();
  take();
  const wire::MeshService service{ServiceId(4), {{model::tcp_port(8080), 80}}};
  const model::MeshBackend backend{TaskId(9), ServiceId(4), node_, {}};
  say(wire::FeedUpdate{kSession, 0, 1, true, true, 0, {service, backend}, {}});
  auto changes = all<ChangeTable>(take());
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].change, (wire::MeshChange{true, true, {service}, {backend}, {}, {}, {}}));
  auto gone = update(1, {});
  gone.removed = {wire::FeedKey::mesh_service(ServiceId(4)), wire::FeedKey::mesh_backend(TaskId(9))};
  say(gone);
  changes = all<ChangeTable>(take());
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].change, (wire::MeshChange{false, false, {}, {}, {}, {ServiceId(4)}, {TaskId(9)}}));
  EXPECT_TRUE(worker().tasks().empty());
  increment({task()});
  EXPECT_TRUE(all<ChangeTable>(take()).empty()) << "tasks only";
}

TEST_F(WorkerTest, WhatKeepsTheNodeFromItsWorkIsInEachAnswerAndSaidWhenItChanges) {
  worker().set_problems({"port 80 is in use"}, now_);
  EXPECT_TRUE(acks().empty()) << "in no session";
  open_session();
  assign_all({});
  EXPECT_EQ(acks().at(0).problems, std::vector<std::string>{"port 80 is in use"});
  worker().set_problems({}, now_);
  const auto answers = acks();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].problems.empty());
  EXPECT_EQ(answers[0].applied, number_);
}

TEST_F(WorkerTest, TheWordOfADeposedLeaderCountsNoMore) {
  open_session();
  say(wire::FeedUpdate{kSession, 0, ++number_, true, true, 40, {task()}, {}});
  say(wire::FeedUpdate{kSession, 0, ++number_, true, true, 39, {}, {}});
  EXPECT_EQ(worker().tasks().size(), 1u) << "its store is behind what this node has acted on";
  EXPECT_EQ(all<Reconnect>(take()).size(), 1u);
}

TEST_F(WorkerTest, ALaterLeaderIsObeyedWhateverItsVersion) {
  wire::FeedUpdate early = update(0, {task()}), late = update(0, {});
  early.first = late.first = early.last = late.last = true;
  early.term = 4, early.store_version = 40;
  late.term = 5, late.store_version = 39;
  open_session();
  say(early);
  late.to = ++early.to;
  say(late);
  EXPECT_TRUE(worker().tasks().empty()) << "of a group that was made anew";
  EXPECT_EQ(worker().obeyed(), (wire::StoreMoment{5, 39}));
}

TEST_F(WorkerTest, WhatWasObeyedIsStillKnownAfterARestart) {
  const model::Task one = task();
  open_session();
  say(wire::FeedUpdate{kSession, 0, ++number_, true, true, 40, {one}, {}});
  take();
  restart();
  worker().resume({disk_.at(one.id)}, obeyed_, now_, wall_);
  take();
  open_session();
  say(wire::FeedUpdate{kSession, 0, ++number_, true, true, 39, {}, {}});
  EXPECT_EQ(worker().tasks().size(), 1u) << "a leader that was deposed takes it away";
  EXPECT_EQ(all<Reconnect>(take()).size(), 1u);
}

TEST_F(WorkerTest, ReportsAreRepeatedUntilTheyAreStored) {
  const model::Task one = task();
  open_session();
  assign_all({one});
  EXPECT_TRUE(report().empty()) << "a start that is quick is told as one step";
  now_ = now_ + Duration::millis(20);
  worker().on_deadline(now_, wall_);
  ASSERT_EQ(report().at(0).second.state, TaskState::preparing);
  prepared(one.id);
  EXPECT_TRUE(report().empty()) << "one at a time";
  now_ = now_ + Duration::millis(500);
  worker().on_deadline(now_, wall_);
  ASSERT_EQ(report().at(0).second.state, TaskState::starting) << "the newest only";
  acknowledge_report();
  EXPECT_TRUE(report().empty());
  started(one.id);
  EXPECT_EQ(report().at(0).second.state, TaskState::running);
  worker().disconnected(now_);
  open_session(kSession + 1);
  EXPECT_EQ(report().at(0).second.state, TaskState::running) << "no acknowledgement in the old session";
}

TEST_F(WorkerTest, AStoreThatIsBehindIsToldAgain) {
  const TaskId id = running();
  acknowledge_report();
  take();
  model::Task behind = worker().tasks().at(id).task;
  behind.status.state = TaskState::assigned;
  worker().disconnected(now_);
  open_session();
  assign_all({behind});
  EXPECT_EQ(report().at(0).second.state, TaskState::running);
}

TEST_F(WorkerTest, ItRegistersAgainUntilItIsAnsweredThenBeats) {
  EXPECT_EQ(worker().next_deadline(), Instant::never());
  worker().connected(now_);
  EXPECT_EQ(sent<wire::Register>(take()).size(), 1u);
  const Instant again = worker().next_deadline();
  EXPECT_LE(again - now_, Duration::millis(200));
  now_ = again;
  worker().on_deadline(now_, wall_);
  EXPECT_EQ(sent<wire::Register>(take()).size(), 1u);
  say(wire::Session{kSession, kPeriod, model::NodeRole::manager, {}});
  auto effects = take();
  EXPECT_EQ(sent<wire::Heartbeat>(effects).size(), 1u) << "at once";
  EXPECT_EQ(all<SessionFacts>(effects).at(0).role, model::NodeRole::manager);
  EXPECT_EQ(worker().next_deadline(), now_ + kPeriod);
  say(wire::HeartbeatReply{kSession, Duration::millis(100)});
  now_ = now_ + kPeriod;
  worker().on_deadline(now_, wall_);
  EXPECT_EQ(sent<wire::Heartbeat>(take()).size(), 1u);
  EXPECT_GT(worker().next_deadline(), Instant{});
}

TEST_F(WorkerTest, AManagerThatNeverAnswersIsLeftForAnother) {
  worker().connected(now_);
  std::size_t registers = 0, reconnects = 0;
  for (int i = 0; i < 10 && reconnects == 0; ++i) {
    const auto effects = take();
    registers += sent<wire::Register>(effects).size();
    reconnects += all<Reconnect>(effects).size();
    now_ = worker().next_deadline();
    if (now_ != Instant::never()) worker().on_deadline(now_, wall_);
  }
  EXPECT_EQ(registers, 3u);
  EXPECT_EQ(reconnects, 1u);
}

TEST_F(WorkerTest, SilenceOrARefusalEndsTheSession) {
  open_session();
  take();
  now_ = now_ + kPeriod * 3;
  worker().on_deadline(now_, wall_);
  EXPECT_EQ(all<Reconnect>(take()).size(), 1u);
  EXPECT_FALSE(worker().in_session());
  open_session();
  take();
  say(wire::SessionRefused{kSession - 1, "session invalid", {}, false});
  EXPECT_TRUE(worker().in_session()) << "one of an earlier session";
  const auto leader = Address::parse("127.0.1.2:2377");
  say(wire::SessionRefused{kSession, "this manager is not the leader", leader, false});
  const auto reconnects = all<Reconnect>(take());
  ASSERT_EQ(reconnects.size(), 1u);
  EXPECT_EQ(reconnects[0].leader, leader);
  EXPECT_EQ(reconnects[0].not_before, now_) << "it knows where to go";
  worker().connected(now_);
  say(wire::SessionRefused{0, "this manager is not the leader", leader, false});
  const auto again = all<Reconnect>(take());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_GT(again[0].not_before, now_) << "not for ever";
  EXPECT_LT(again[0].not_before - now_, Duration::millis(700));
  open_session();
  say(wire::SessionRefused{kSession, "node removed", {}, true});
  EXPECT_EQ(all<Removed>(take()).size(), 1u);
}

TEST_F(WorkerTest, DrainStopsWhatRunsAndStartsNothing) {
  const TaskId id = running();
  const model::Task other = task();
  increment({other});
  take();
  worker().drain(now_, wall_);
  EXPECT_EQ(all<StopTask>(take()).size(), 1u);
  EXPECT_FALSE(worker().idle());
  prepared(other.id);
  EXPECT_TRUE(all<StartTask>(take()).empty());
  exited(id, 0);
  EXPECT_TRUE(worker().idle());
  EXPECT_EQ(status(id).state, TaskState::shutdown);
}

}  // namespace
}  // namespace swarm::agent
