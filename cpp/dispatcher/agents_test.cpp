// Dispatcher and real workers over a bad network: frames are lost, doubled and reordered, links close, nodes
// crash, leaders change. Whatever happens, no task is started twice, no state goes back, and once the network
// is good all agree, and every node has the whole table of the routing mesh.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "net/mesh/table_keeper.hpp"
#include "store/change_set.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;

constexpr Duration kPeriod = Duration::millis(500);

// One node: its worker, its disk and a runner that answers after a while.
struct Machine {
  NodeId id;
  std::unique_ptr<agent::Worker> worker;
  std::map<TaskId, model::Task> disk;
  std::map<TaskId, int> starts;
  std::set<TaskId> prepared, processes;  // of the runner
  mesh::TableKeeper table;
  PeerLink link = 0;  // 0: not connected
  Instant connect_at{};
};

class AgentsTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  struct Frame {
    Instant at;
    PeerLink link;
    bool to_dispatcher;
    wire::Message message;
  };
  struct Answer {
    Instant at;
    std::size_t machine;
    std::uint64_t life;
    TaskId task;
    agent::Effect to;
  };

  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    for (const auto& any : applied.changes.changes) {
      const auto* change = std::get_if<store::Change<model::Task>>(&any);
      if (change == nullptr || !change->before || !change->after) continue;
      EXPECT_GE(change->after->state(), change->before->state());
    }
    dispatcher_->observe(store_, applied.changes, now_);
  }

  void set_up() {
    model::Service service;
    service.id = service_ = ServiceId::random(rng_);
    apply({model::Put{service}});
    for (auto& machine : machines_) {
      model::Node node;
      node.id = machine.id = NodeId::random(rng_);
      apply({model::Put{node}});
      machine.worker = std::make_unique<agent::Worker>(machine.id, model::NodeDescription{}, rng_.fork());
    }
    dispatcher_->start(store_, now_, WallTime{1});
  }
  // Another leader, which knows what the store says and nothing else.
  void change_leader() {
    for (auto& machine : machines_) close_link(machine);
    frames_.clear();
    dispatcher_ = std::make_unique<Dispatcher>(rng_.fork(), kPeriod);
    dispatcher_->start(store_, now_, WallTime{1});
  }

  // ---- the network
  void post(PeerLink link, bool to_dispatcher, const wire::Message& message) {
    for (int copy = 0; copy < 2; ++copy) {
      if (bad_ && copy == 0 && rng_.chance(1, 5)) continue;
      if (copy == 1 && !(bad_ && rng_.chance(1, 10))) continue;
      const Duration delay = Duration::millis(rng_.between(1, bad_ ? 60 : 2));
      frames_.push_back({now_ + delay, link, to_dispatcher, message});
    }
  }
  void close_link(Machine& machine) {
    if (machine.link == 0) return;
    dispatcher_->on_link_closed(store_, machine.link, now_);
    machine.link = 0;
    machine.connect_at = now_ + Duration::millis(50);
    machine.worker->disconnected(now_);
  }
  void crash(Machine& machine) {
    close_link(machine);
    ++life_[index(machine)];
    machine.prepared.clear();
    machine.processes.clear();
    machine.table = {};
    const wire::StoreMoment obeyed = machine.worker->obeyed();
    machine.worker = std::make_unique<agent::Worker>(machine.id, model::NodeDescription{}, rng_.fork());
    std::vector<model::Task> records;
    for (const auto& [id, record] : machine.disk) records.push_back(record);
    machine.worker->resume(records, obeyed, now_, wall());
  }
  std::size_t index(const Machine& machine) { return static_cast<std::size_t>(&machine - machines_); }
  WallTime wall() const { return WallTime{now_.ns}; }

  // ---- what workers want
  void perform(Machine& machine) {
    for (auto& effect : machine.worker->take_effects()) {
      const auto later = [&](TaskId task) {
        const Duration delay = Duration::millis(rng_.between(1, 80));
        answers_.push_back({now_ + delay, index(machine), life_[index(machine)], task, effect});
      };
      if (auto* send = std::get_if<agent::SendToManager>(&effect)) {
        if (machine.link != 0) post(machine.link, true, send->message);
      } else if (auto* save = std::get_if<agent::SaveTask>(&effect)) {
        machine.disk.erase(save->task);
        if (save->record) machine.disk[save->task] = *save->record;
      } else if (auto* prepare = std::get_if<agent::PrepareTask>(&effect)) {
        later(prepare->task.id);
      } else if (auto* start = std::get_if<agent::StartTask>(&effect)) {
        EXPECT_EQ(++machine.starts[start->task], 1) << "started twice";
        EXPECT_TRUE(machine.prepared.contains(start->task));
        later(start->task);
      } else if (auto* stop = std::get_if<agent::StopTask>(&effect)) {
        later(stop->task);
      } else if (auto* remove = std::get_if<agent::RemoveTask>(&effect)) {
        EXPECT_FALSE(machine.processes.contains(remove->task)) << "stopped before it is removed";
      } else if (auto* again = std::get_if<agent::Reconnect>(&effect)) {
        close_link(machine);
        machine.connect_at = std::max(machine.connect_at, again->not_before);
      } else if (auto* table = std::get_if<agent::ChangeTable>(&effect)) {
        machine.table.on(table->change);
      } else if (std::holds_alternative<agent::Removed>(effect)) {
        ADD_FAILURE() << "nobody was removed";
      }
    }
  }
  void answer(const Answer& answer) {
    Machine& machine = machines_[answer.machine];
    if (answer.life != life_[answer.machine]) return;
    if (std::holds_alternative<agent::PrepareTask>(answer.to)) {
      machine.prepared.insert(answer.task);
      machine.worker->on_prepared(answer.task, "", now_, wall());
    } else if (std::holds_alternative<agent::StartTask>(answer.to)) {
      machine.processes.insert(answer.task);
      machine.worker->on_started(answer.task, "", "id", 1, "", now_, wall());
    } else {
      machine.processes.erase(answer.task);
      machine.worker->on_exited(answer.task, 0, "", now_, wall());
    }
  }

  // ---- what users do
  // The service is published at another port, or (8000) at none.
  void publish(std::uint32_t port) {
    model::Service service = *store_.service(service_);
    service.ports.clear();
    if (port != 8'000)
      service.ports = {{"", model::PortProtocol::tcp, 80, port, model::PublishMode::ingress}};
    apply({model::Put{service}});
  }
  void disturb() {
    if (rng_.chance(1, 40)) close_link(machines_[rng_.below(kMachines)]);
    if (rng_.chance(1, 150)) crash(machines_[rng_.below(kMachines)]);
    if (rng_.chance(1, 400)) change_leader();
    if (rng_.chance(1, 40)) publish(static_cast<std::uint32_t>(8'000 + rng_.below(3)));
    if (rng_.chance(1, 10)) {
      model::Task task;
      task.id = TaskId::random(rng_);
      task.service_id = service_;
      task.slot = store_.tasks().size() + 1;
      task.node_id = machines_[rng_.below(kMachines)].id;
      task.status.state = TaskState::assigned;
      apply({model::Put{task}});
    }
    if (store_.tasks().empty() || !rng_.chance(1, 12)) return;
    const auto it =
        std::next(store_.tasks().begin(), static_cast<std::ptrdiff_t>(rng_.below(store_.tasks().size())));
    model::TaskStep step;
    step.id = it->first;
    step.desired_state = TaskState::shutdown;
    const auto gone = model::Remove::of<model::Task>(it->first);
    if (is_terminal(it->second->state())) return apply({gone});
    apply({step});
  }

  void tick() {
    now_ = now_ + Duration::millis(5);
    for (auto& machine : machines_) {
      if (machine.link == 0 && machine.connect_at <= now_) {
        machine.link = ++last_link_;
        machine.worker->connected(now_);
      }
      if (machine.worker->next_deadline() <= now_) machine.worker->on_deadline(now_, wall());
      EXPECT_GT(machine.worker->next_deadline(), now_);
    }
    for (const Frame& frame : due(frames_)) deliver(frame);
    for (const Answer& one : due(answers_)) answer(one);
    while (auto plan = dispatcher_->plan(store_, now_, wall())) {
      const bool dropped = bad_ && rng_.chance(1, 10);
      if (!dropped) apply(std::move(plan->actions));
      dispatcher_->settled(store_, model::Outcome{!dropped, store_.version(), ""}, now_);
    }
    for (const Send& send : dispatcher_->take_sends()) post(send.link, false, send.message);
    for (auto& machine : machines_) perform(machine);
  }
  template <class T>
  std::vector<T> due(std::vector<T>& queue) {
    std::vector<T> now;
    std::vector<T> later;
    for (auto& one : queue) (one.at <= now_ ? now : later).push_back(std::move(one));
    queue = std::move(later);
    std::ranges::stable_sort(now, [](const T& a, const T& b) { return a.at < b.at; });
    return now;
  }
  void deliver(const Frame& frame) {
    for (auto& machine : machines_) {
      if (machine.link != frame.link) continue;
      if (!frame.to_dispatcher) return machine.worker->on_message(frame.message, now_, wall());
      return dispatcher_->on_message(store_, frame.link, {{}, machine.id}, "127.0.1.1", frame.message, now_);
    }
  }

  // The tasks that serve, as a table lists them.
  std::vector<model::MeshBackend> serving() const {
    std::vector<model::MeshBackend> out;
    const auto data = *Address::parse("127.0.1.1", model::kDataPort);
    for (const auto& [id, task] : store_.tasks())
      if (task->state() == TaskState::running && task->desired_state == TaskState::running)
        out.push_back({id, service_, task->node_id, data});
    return out;
  }

  static constexpr std::size_t kMachines = 3;
  Rng rng_{GetParam()};
  store::Store store_;
  std::unique_ptr<Dispatcher> dispatcher_ = std::make_unique<Dispatcher>(Rng(GetParam() + 1), kPeriod);
  ServiceId service_;
  Machine machines_[kMachines];
  std::uint64_t life_[kMachines] = {};
  std::vector<Frame> frames_;
  std::vector<Answer> answers_;
  Instant now_{};
  PeerLink last_link_ = 0;
  bool bad_ = true;
};

TEST_P(AgentsTest, AllAgreeOnceTheNetworkIsGood) {
  set_up();
  for (int i = 0; i < 3'000; ++i) {
    tick();
    disturb();
    if (HasFailure()) return;
  }
  bad_ = false;
  publish(8'080);
  for (int i = 0; i < 4'000; ++i) tick();
  EXPECT_GT(store_.tasks().size(), 20u);
  std::size_t kept = 0;
  for (const auto& machine : machines_) {
    EXPECT_EQ(store_.node(machine.id)->status.state, model::NodeState::ready);
    EXPECT_EQ(machine.worker->tasks().size(), store_.tasks_on_node(machine.id).size());
    EXPECT_EQ(machine.disk.size(), machine.worker->tasks().size());
    for (const auto& [id, local] : machine.worker->tasks()) {
      const auto task = store_.task(id);
      ASSERT_TRUE(task) << id;
      ++kept;
      EXPECT_EQ(task->state(), local.task.state());
      EXPECT_EQ(task->desired_state, local.task.desired_state);
      EXPECT_EQ(local.process_runs, machine.processes.contains(id));
      EXPECT_EQ(task->state() == TaskState::running, machine.processes.contains(id));
      EXPECT_TRUE(task->state() >= TaskState::running) << to_string(task->state());
      EXPECT_TRUE(task->desired_state <= TaskState::running || is_terminal(task->state()));
    }
  }
  EXPECT_EQ(kept, store_.tasks().size());
  for (const auto& machine : machines_) {
    ASSERT_EQ(machine.table.table()->routes.size(), 1u);
    EXPECT_EQ(*machine.table.table()->find(model::tcp_port(8'080))->backends, serving());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgentsTest, testing::Range<std::uint64_t>(1, 25));

}  // namespace
}  // namespace swarm::dispatcher
