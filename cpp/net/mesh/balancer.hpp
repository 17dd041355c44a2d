// Balancer: decides which task gets a connection. It is the same in both worlds, knows connections by number
// and never sees a byte.
//
// Facts in: the table, this node's own tasks. Events in: accepted, stream_arrived, dial_done, reset, closed.
// Effects out. A connection to a published port goes round robin over the running tasks of the whole swarm:
// to one of this node directly, to another node's *through that node*, which has the last word: it refuses a
// task that is not up, or that is stopping. A connection that could not be made, or was reset before a byte
// moved, is tried on another task; when all were tried, the machine tries again every kRetryPause, for
// kPatience.
//
// Invariants: a Dial effect never names a local task that is not up or is stopping; a task that was tried for
// a connection is not tried again before all others were; every connection ends in Refuse or in the relay's
// closed(). NOT here: sockets, time, flow control (real/mesh), where the table comes from (table_keeper).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/mesh.hpp"

namespace swarm::mesh {

// A task is RUNNING as soon as its process is; it listens a few milliseconds later.
inline constexpr Duration kRetryPause = Duration::millis(10);
inline constexpr Duration kPatience = Duration::seconds(1);

using ConnId = std::uint64_t;
using model::PortKey;

struct DialLocal {
  ConnId conn = 0;
  TaskId task;
  Address to;  // the task's address, and the target port as the service names it
};
struct DialPeer {
  ConnId conn = 0;
  TaskId task;
  std::uint32_t target = 0;
  Address node;  // its data address
};
struct Refuse {  // reset the client, or tell the peer no
  ConnId conn = 0;
};
struct ListenOn {
  PortKey port;
};
struct StopListening {
  PortKey port;
};
struct Wait {  // there are tasks, but none accepts yet: call retry() after kRetryPause
  ConnId conn = 0;
};
using Effect = std::variant<DialLocal, DialPeer, Refuse, Wait, ListenOn, StopListening>;

// Each is the call of the same name, as a value: for a caller that gathers what happened and asks once.
struct Accepted {
  ConnId conn = 0;
  PortKey port;
};
struct StreamArrived {
  ConnId conn = 0;
  TaskId task;
  std::uint32_t target = 0;
};
struct DialDone {
  ConnId conn = 0;
  bool ok = false;
};
struct ResetUnused {
  ConnId conn = 0;
  bool told = false;
};
struct Retry {
  ConnId conn = 0;
};
struct Closed {
  ConnId conn = 0;
};
struct RetryListening {};
using Event = std::variant<Accepted, StreamArrived, DialDone, ResetUnused, Retry, Closed, RetryListening>;

class Balancer {
 public:
  // ---- facts
  void set_self(NodeId self) { self_ = self; }
  void set_table(std::shared_ptr<const model::ForwardingTable> table);
  void task_up(const model::MeshTask& task);
  void task_stopping(TaskId task);
  void task_gone(TaskId task);
  void leave();  // no table, no tasks, no listeners

  // ---- listeners; `problem` in words, empty: it listens
  void listening(const PortKey& port, std::string problem);
  void retry_listening();  // another program may have let go of its port
  bool has_problems() const { return !problems_.empty(); }
  std::vector<std::string> problems() const;

  // ---- connections
  void accepted(ConnId conn, const PortKey& port);
  void stream_arrived(ConnId conn, TaskId task, std::uint32_t target);
  void dial_done(ConnId conn, bool ok);
  // By the backend, before a byte came back. `told`: something was sent to it already.
  void reset_unused(ConnId conn, bool told);
  void retry(ConnId conn);
  void closed(ConnId conn) { conns_.erase(conn); }

  void handle(const Event& event);

  std::vector<Effect> take_effects();

  // ---- looking
  bool may_serve(TaskId task) const;  // a task of this node: up, and not stopping
  // Returns true if the node may have links to this one: it was not removed from the swarm.
  bool may_link(NodeId node) const { return !table_->removed_nodes->contains(node); }
  std::size_t connections() const { return conns_.size(); }

 private:
  struct LocalTask {
    model::MeshTask task;
    bool stopping = false;
  };
  struct Conn {
    std::optional<PortKey> port;  // none: another node's stream
    TaskId task;                  // where it goes
    std::vector<TaskId> tried;
    Duration waited;
    bool told = false;  // a task got something of it: no waiting, no second round
  };
  void try_next(ConnId id, Conn& conn);
  bool dial(ConnId id, Conn& conn, const model::MeshBackend& backend, std::uint32_t target);
  bool dial_local(ConnId id, Conn& conn, TaskId task, std::uint32_t target);
  void wait(ConnId id, Conn& conn);
  void refuse(ConnId id);
  void review_listeners();

  NodeId self_;
  std::shared_ptr<const model::ForwardingTable> table_ = std::make_shared<model::ForwardingTable>();
  std::map<TaskId, LocalTask> tasks_;
  std::map<PortKey, std::pair<TaskId, std::uint32_t>> host_ports_;
  std::map<PortKey, std::size_t> turns_;  // whose turn it is
  std::map<ConnId, Conn> conns_;
  std::set<PortKey> listeners_;
  std::map<PortKey, std::string> problems_;
  std::vector<Effect> effects_;
};

}  // namespace swarm::mesh
