// Worker: the agent of one node. Receives the node's feed, keeps the tasks that it names, moves each forward
// one action at a time through the Runner, and reports what it observes until a manager has it in the store.
//
// Pure: messages, runner events and `now` in; effects out. Its assignments survive a restart of the node:
// they are written (family agent) before they are acted on, and resumed before any message of a manager. A
// task of this node is never started twice, whatever is resent (swarmkit agent/worker.go,
// agent/exec/controller.go).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::agent {

// ---- what the worker wants done
struct SendToManager {
  wire::Message message;
};
struct PrepareTask {
  model::Task task;
};
struct StartTask {
  TaskId task;
};
struct StopTask {
  TaskId task;
  Duration grace;
};
struct RemoveTask {
  TaskId task;
};
// Write (or, without a value, erase) this task's record on disk. `first`: the effects after it in the list
// wait until it is durable. It is set for facts that must not be forgotten: that a start was tried, that the
// task has ended or has gone.
struct SaveTask {
  TaskId task;
  std::optional<model::Task> record;
  bool first = true;
};
// The session is over: connect again, to `leader` when it is known.
struct Reconnect {
  std::optional<Address> leader;
  Instant not_before;
};
// The session says which role this node is to have, and which nodes are managers.
struct SessionFacts {
  model::NodeRole role = model::NodeRole::worker;
  std::vector<wire::ManagerPeer> managers;
  std::uint64_t version = 0;  // of the manager's store
  bool ready = false;         // the managers know this node, and their store says that it is ready
  std::string root_cert_pem = {}, issuer = {};  // as in wire::Session
  Duration renew_within = {};
};
// The managers refuse this node, and its user is to know why.
struct Refused {
  std::string reason;
};
// This node is no longer a member of the swarm.
struct Removed {};
// What the feed says of the routing mesh. It is acknowledged with the update, so it is to be carried out at
// once.
struct ChangeTable {
  wire::MeshChange change;
};
// What the feed says of overlay networks. The update is acknowledged when they are carried out (on_overlay).
// `number`: of the change. Numbers of updates begin anew in each session, these do not: a change that an
// earlier session began must not pass for one of this session.
struct ChangeOverlay {
  std::uint64_t number = 0;
  wire::OverlayChange change;
};
// A local container-level event, for `docker events` and `docker wait`: "create", "start", "die", "destroy",
// ...
struct ContainerEvent {
  TaskId task;
  std::string action;
  std::int64_t exit_code = 0;
  int signal = 0;  // of a "kill"
};
using Effect = std::variant<SendToManager, PrepareTask, StartTask, StopTask, RemoveTask, SaveTask, Reconnect,
                            SessionFacts, Refused, Removed, ChangeTable, ChangeOverlay, ContainerEvent>;

// One task as this node sees it: what `docker ps` and `docker inspect` show.
struct LocalTask {
  model::Task task;          // desired_state as assigned; status as observed here
  std::string container_id;  // empty until started
  std::int64_t pid = 0;
  std::string address;  // where it listens
  WallTime created_at, started_at, finished_at;
  std::int64_t exit_code = 0;
  bool container_exists = false;  // prepared and not removed
  bool process_runs = false;
};

class Worker {
 public:
  Worker(NodeId node, model::NodeDescription description, Rng rng);
  ~Worker();
  void reseed(Rng rng);  // new random draws from now on

  // ---- life: resume what an earlier run left (records from disk, and what it had obeyed), then connect
  void resume(std::vector<model::Task> records, wire::StoreMoment obeyed, Instant now, WallTime wall);
  // A link to a manager is open: register there. / It closed.
  void connected(Instant now);
  void disconnected(Instant now);

  void on_message(const wire::Message& message, Instant now, WallTime wall);
  void on_prepared(TaskId task, const std::string& error, Instant now, WallTime wall);
  void on_started(TaskId task, const std::string& error, const std::string& container_id, std::int64_t pid,
                  const std::string& address, Instant now, WallTime wall);
  void on_exited(TaskId task, std::int64_t exit_code, const std::string& error, Instant now, WallTime wall);
  void on_deadline(Instant now, WallTime wall);
  // The overlay networks are as the change with this number has them.
  void on_overlay(std::uint64_t number, Instant now);
  // The worker does not pick its published ports for tasks.
  void set_table(std::shared_ptr<const model::ForwardingTable> table);
  // Sets what keeps this node from carrying out its feed, in sentences: the whole list, each time that it
  // changes.
  void set_problems(std::vector<std::string> problems, Instant now);
  // Sets the certificate that this node describes itself with; a new session tells the managers of a change.
  void set_tls(const model::TlsInfo& tls, Instant now);
  // Stop every task now: the node leaves, or stops in order. Reports still go out.
  void drain(Instant now, WallTime wall);

  Instant next_deadline() const;
  std::vector<Effect> take_effects();

  // ---- looking
  const std::map<TaskId, LocalTask>& tasks() const;
  bool in_session() const;
  // The newest state of the store that it has acted on. It is written with each record: a leader that was
  // deposed may not take a task away, so that the true one gives it back, after a restart of the node either.
  wire::StoreMoment obeyed() const;
  // Returns true if no task's process runs any more.
  bool idle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swarm::agent
