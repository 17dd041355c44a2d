// AgentPart: messages, events of the runner and of the disk, and time in; effects out.
#include "node/agent_part.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/container_spec.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/launch.hpp"
#include "node/test_disk.hpp"
#include "node/test_effects.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

using model::TaskState;

constexpr ports::LinkId kLink = 21;
constexpr std::uint64_t kSession = 77;

class AgentPartTest : public testing::Test {
 protected:
  AgentPartTest() {
    identity_.node = NodeId(2);
    identity_.cluster = ClusterId(1);
    description_.hostname = "w2";
    fresh();
  }

  void fresh() {
    part_.emplace(1, identity_, description_, Rng(6));
    ASSERT_TRUE(part_->start(disk_, identity_.cluster, at_).ok());
    EXPECT_EQ(only<effect::JoinMesh>(took()).node, identity_.node);
  }
  std::vector<Effect> took() { return take(*part_); }
  std::vector<Effect> connect(const Leads& leads = {}) {
    part_->connect(leads, managers_, at_.now);
    return took();
  }
  std::vector<Effect> run() {
    part_->run(at_);
    return took();
  }
  std::vector<Effect> say(const wire::Message& message, ports::LinkId link = kLink) {
    part_->on_message({link, {}}, message, at_);
    return run();
  }
  std::vector<Effect> stored() {
    part_->on_stored(at_);
    return took();
  }
  void open_session() {
    connect();
    part_->on_dialled(kLink, true, at_.now);
    run();
    say(wire::Session{kSession, Duration::millis(500), model::NodeRole::worker, managers_, 1, true});
  }
  model::Task task() {
    auto templ = std::make_shared<model::TaskTemplate>();
    model::ContainerSpec& container = templ->spec.container.emplace();
    container.image = "nginx:latest";
    container.hostname = hostname_;
    templ->endpoint.emplace();
    model::PortConfig port;
    port.target_port = 80;
    templ->endpoint->ports.push_back(port);
    model::Task task;
    task.id = TaskId(50);
    task.node_id = identity_.node;
    task.slot = 1;
    task.desired_state = TaskState::running;
    task.status.state = TaskState::assigned;
    task.templ = templ;
    return task;
  }
  std::vector<Effect> assign() { return say(wire::FeedUpdate{kSession, 0, 1, true, true, 0, {task()}, {}}); }
  // Until the process is started; the records that were waited for are on disk.
  void run_task() {
    open_session();
    assign();
    stored();
    part_->on_event(ports::TaskPrepared{TaskId(50), ""}, at_);
    run();
    stored();
    part_->on_event(ports::TaskStarted{TaskId(50), "", "c0ffee", 42, "127.0.1.99"}, at_);
  }

  Identity identity_;
  model::NodeDescription description_;
  std::string hostname_;
  TestDisk disk_;
  Times at_{Instant{1'000'000'000}, WallTime{1}};
  std::vector<wire::ManagerPeer> managers_{
      {NodeId(8), 8, at(8)}, {NodeId(2), 2, at(2)}, {NodeId(9), 9, at(9)}};
  std::optional<AgentPart> part_;
};

// ---- the way to the dispatcher

TEST_F(AgentPartTest, TakesThisNodesOwnDispatcherWhereItLeads) {
  EXPECT_TRUE(connect({true, {}}).empty());
  EXPECT_TRUE(part_->has_link());
  EXPECT_TRUE(std::holds_alternative<wire::Register>(only<effect::ToDispatcher>(run()).message));
}

TEST_F(AgentPartTest, DialsTheLeaderWhereItIsKnownElseOneManagerAfterTheOther) {
  EXPECT_EQ(only<effect::DialManager>(connect({false, at(7)})).address, at(7));
  EXPECT_EQ(only<effect::DialManager>(connect()).address, at(8));
  EXPECT_EQ(only<effect::DialManager>(connect()).address, at(9)) << "never itself";
  EXPECT_EQ(only<effect::DialManager>(connect()).address, at(8));
}

TEST_F(AgentPartTest, WaitsAMomentAfterADialThatFailed) {
  connect();
  part_->on_dialled(0, false, at_.now);
  EXPECT_TRUE(connect().empty());
  EXPECT_EQ(part_->next_deadline(at_.now), at_.now + Duration::millis(100));
  at_.now = at_.now + Duration::millis(100);
  EXPECT_TRUE(has<effect::DialManager>(connect()));
}

TEST_F(AgentPartTest, RegistersWhenItsLinkIsOpenAndNotBefore) {
  connect();
  part_->on_dialled(kLink, false, at_.now);
  EXPECT_TRUE(run().empty());
  part_->on_link_opened(kLink + 1, at_.now);
  EXPECT_TRUE(run().empty()) << "another link";
  part_->on_link_opened(kLink, at_.now);
  EXPECT_EQ(sent_on<wire::Register>(run()).front().first, kLink);
}

TEST_F(AgentPartTest, GoesWhereTheLeaderIsSaidToBe) {
  connect();
  part_->on_dialled(kLink, true, at_.now);
  run();
  say(wire::SessionRefused{0, "not the leader", at(5)});
  EXPECT_FALSE(part_->has_link());
  at_.now = at_.now + Duration::seconds(10);
  EXPECT_EQ(only<effect::DialManager>(connect()).address, at(5));
}

TEST_F(AgentPartTest, ChangesToItsOwnDispatcherWhenThisNodeBeginsToLead) {
  open_session();
  part_->on_leader_changed(false, at_.now);
  EXPECT_TRUE(part_->has_link()) << "another leader says so by itself";
  part_->on_leader_changed(true, at_.now);
  EXPECT_FALSE(part_->has_link());
  connect({true, {}});
  part_->on_leader_changed(false, at_.now);
  EXPECT_FALSE(part_->has_link()) << "and off it again";
}

TEST_F(AgentPartTest, HearsItsOwnLinkOnly) {
  open_session();
  say(wire::SessionRefused{kSession, "no", {}}, kLink + 1);
  EXPECT_TRUE(part_->worker().in_session());
  part_->on_link_gone({kLink + 1, {}, {at_.now, {}}});
  EXPECT_TRUE(part_->has_link());
  part_->on_link_gone({kLink, {}, {at_.now, {}}});
  EXPECT_FALSE(part_->has_link());
}

// ---- tasks

TEST_F(AgentPartTest, WhatFollowsARecordWaitsUntilItIsOnDisk) {
  open_session();
  assign();
  stored();
  part_->on_event(ports::TaskPrepared{TaskId(50), ""}, at_);
  const auto effects = run();
  const auto store = only<effect::Store>(effects);
  EXPECT_TRUE(store.batch.sync);
  EXPECT_EQ(std::get<RecordsStored>(store.waits).agent, part_->life());
  EXPECT_FALSE(has<agent::StartTask>(effects)) << "a start that was tried is never forgotten";
  EXPECT_EQ(only<agent::StartTask>(stored()).task, TaskId(50));
}

TEST_F(AgentPartTest, WhatIsWantedMeanwhileComesAfterIt) {
  open_session();
  assign();
  stored();
  part_->on_event(ports::TaskPrepared{TaskId(50), ""}, at_);
  run();
  part_->on_event(ports::TaskExited{TaskId(50), 1, ""}, at_);
  EXPECT_TRUE((are<effect::TaskGone>(run()))) << "only the mesh is told at once";
  const auto effects = stored();
  EXPECT_TRUE(std::holds_alternative<agent::StartTask>(effects.front()) ||
              std::holds_alternative<agent::ContainerEvent>(effects.front()));
}

TEST_F(AgentPartTest, ATaskServesFromItsStartUntilItIsToStop) {
  run_task();
  const auto up = only<effect::TaskUp>(took()).task;
  EXPECT_EQ(up.task, TaskId(50));
  EXPECT_EQ(up.targets, std::vector<std::uint32_t>{80});
  run();
  model::Task stopping = task();
  stopping.desired_state = TaskState::shutdown;
  const auto effects = say(wire::FeedUpdate{kSession, 1, 2, false, false, 0, {stopping}, {}});
  EXPECT_TRUE(std::holds_alternative<effect::TaskStopping>(effects.front())) << "before its process is told";
}

TEST_F(AgentPartTest, AStartThatFailedServesNothing) {
  open_session();
  assign();
  stored();
  part_->on_event(ports::TaskPrepared{TaskId(50), ""}, at_);
  run();
  stored();
  part_->on_event(ports::TaskStarted{TaskId(50), "no such file", "", 0, "127.0.1.99"}, at_);
  EXPECT_FALSE(has<effect::TaskUp>(took()));
}

TEST_F(AgentPartTest, ATaskThatCannotBeExpandedFailsWithoutTheRunner) {
  hostname_ = "{{.Nonsense";
  open_session();
  auto effects = assign();
  for (const auto& effect : stored()) effects.push_back(effect);
  EXPECT_FALSE(has<effect::Prepare>(effects));
  run();
  EXPECT_TRUE(model::is_terminal(part_->worker().tasks().at(TaskId(50)).task.state()));
}

TEST_F(AgentPartTest, ResumesWhatItsDiskRemembers) {
  ports::DiskBatch batch;
  model::Task kept = task();
  kept.status.state = TaskState::running;
  batch.put(ports::Family::agent, task_key(kept.id), codec::encode_task_record(kept));
  disk_.commit(std::move(batch), 1);
  fresh();
  EXPECT_EQ(part_->worker().tasks().size(), 1u);
}

TEST_F(AgentPartTest, WhatItHasObeyedIsWrittenWithTheRecordsAndReadAgain) {
  open_session();
  wire::FeedUpdate update{kSession, 0, 1, true, true, 40, {task()}, {}};
  update.term = 3;
  for (const auto& effect : say(update))
    if (const auto* store = std::get_if<effect::Store>(&effect)) disk_.commit(store->batch, 1);
  fresh();
  EXPECT_EQ(part_->worker().obeyed(), (wire::StoreMoment{3, 40}));
  EXPECT_EQ(part_->worker().tasks().size(), 1u);
}

TEST_F(AgentPartTest, ARecordThatCannotBeReadIsAnErrorThatNamesIt) {
  ports::DiskBatch batch;
  batch.put(ports::Family::agent, "k", "nonsense");
  disk_.commit(std::move(batch), 1);
  part_.emplace(2, identity_, description_, Rng(6));
  const auto started = part_->start(disk_, identity_.cluster, at_);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("agent key 6b"), std::string::npos);
}

// ---- the mesh's table

TEST_F(AgentPartTest, ATableIsAcknowledgedWithWhatKeepsItFromServing) {
  open_session();
  part_->on_event(ports::MeshProblems{{"port 80 is taken"}}, at_.now);
  auto effects = run();
  EXPECT_EQ(only<effect::Tell>(effects).text, "port 80 is taken");
  EXPECT_EQ(sent_on<wire::FeedAck>(effects).size(), 1u);
  wire::FeedUpdate update{kSession, 0, 4, true, true, 0, {}, {}};
  model::MeshPort port;
  port.published.port = 80;
  port.target = 80;
  update.items.emplace_back(wire::MeshService{ServiceId(9), {port}});
  effects = say(update);
  EXPECT_TRUE(has<effect::SetTable>(effects));
  const auto ack = sent_on<wire::FeedAck>(effects).front().second;
  EXPECT_EQ(ack.applied, 4u);
  EXPECT_EQ(ack.problems, std::vector<std::string>{"port 80 is taken"});
  update.session = kSession + 1;
  EXPECT_TRUE(say(update).empty()) << "of another session";
}

// ---- what it says of this node

TEST_F(AgentPartTest, FactsOfTheSessionAndTheEndOfMembershipComeOut) {
  connect();
  part_->on_dialled(kLink, true, at_.now);
  run();
  const auto effects =
      say(wire::Session{kSession, Duration::millis(500), model::NodeRole::manager, managers_, 6, true});
  const auto facts = all<agent::SessionFacts>(effects);
  ASSERT_FALSE(facts.empty());
  EXPECT_EQ(facts.back().role, model::NodeRole::manager);
  EXPECT_EQ(facts.back().version, 6u);
}

}  // namespace
}  // namespace swarm::node
