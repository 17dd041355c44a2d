// Api: the Docker Engine API as a machine. A parsed request in; an answer, a proposal to the log, an
// operation for the node, or a stream out. The one front door of swarmpy: the HTTP server, the simulator's
// Python and requests passed on by followers all come through here.
//
// Pure: it reads the store that it is given and changes nothing. The node decides *where* a request is
// answered (here, or on the leader) from `scope()`, and has made sure that this store is fresh enough.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "docker/answer.hpp"
#include "docker/inside.hpp"
#include "docker/url.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "store/store.hpp"

namespace swarm::docker {

using ports::ApiId;

enum class SwarmState : std::uint8_t { inactive, pending, active, error, locked };

// What the API shows of the node that it runs on.
struct LocalNode {
  SwarmState state = SwarmState::inactive;
  bool control_available = false;  // this node is a working manager
  bool is_leader = false;
  std::string error;  // shown as Swarm.Error; "" when all is well
  NodeId node;
  ClusterId cluster;
  model::NodeDescription description;
  std::string hostname;
  std::string node_addr;  // advertised host, without the port
  std::string data_root;
  std::string operating_system, os_version, kernel_version;
  std::string overlay_networks;  // how it carries them, or why it carries none
  model::Labels engine_labels;
  std::vector<wire::ManagerPeer> managers;  // as this node knows them
  WallTime started_at;
  std::vector<std::string> problems;  // ports that this node cannot serve, a slow disk: in sentences
};

// What the leader knows of its peers right now, by Raft id.
struct RaftView {
  std::uint64_t leader = 0;
  std::map<std::uint64_t, bool> reachable;  // members of the group
  // This manager's own part, for GET /swarmpy/v1/raft.
  std::uint64_t id = 0, term = 0, commit = 0, applied = 0;
  WallTime leader_since;         // when this manager learnt of the present leader
  std::uint64_t began_from = 0;  // it has seen all entries after this one being applied
  std::string role;              // "StateLeader", as raft::to_string says it
};

struct Context {
  const store::Store* store = nullptr;  // null unless this node is a manager
  const LocalNode& local;
  const RaftView& raft;
  const agent::Worker* worker = nullptr;  // null outside a swarm
  ports::Runner& runner;                  // images(), warnings() and usage() only
  ports::Crypto& crypto;                  // tokens
  Rng& rng;                               // object ids and invented names
  Instant now;
  WallTime wall;
};

// Where a request must be answered.
enum class Scope : std::uint8_t {
  local,        // this node, manager or not: /_ping, /info, /containers..., /swarm/init|join|leave, /events
  swarm_read,   // the leader, after a linearizable read check (any manager with Swarmpy-Consistency: local)
  swarm_write,  // the leader
};

// ---- what the API wants the node to do; answered by Api::operation_done
struct SwarmInit {
  std::string listen_addr, advertise_addr, data_path_addr;
  bool force_new_cluster = false;
  model::ClusterSpec spec;
  model::Availability availability = model::Availability::active;
  std::vector<std::string> default_addr_pool;
  std::uint32_t subnet_size = 24;
  std::uint32_t data_path_port = 4789;
};
struct SwarmJoin {
  std::string listen_addr, advertise_addr, data_path_addr;
  std::vector<std::string> remote_addrs;
  std::string token;
  model::Availability availability = model::Availability::active;
};
struct SwarmLeave {
  bool force = false;
};
struct SwarmUnlock {
  std::string key;  // 32 bytes
};
struct SignalContainer {
  TaskId task;
  int signal = 9;
};
struct StopContainer {
  TaskId task;
  std::optional<Duration> grace;
  int signal = 0;  // 0: that of its spec
};
struct OpenLocalLogs {  // lines arrive by Api::log_news with the request's id as the stream
  TaskId task;
  wire::LogOptions options;
};
struct OpenSwarmLogs {  // of tasks wherever they run
  std::vector<TaskId> tasks;
  wire::LogOptions options;
};
struct CloseLogs {};  // of this request
struct AddImage {
  ports::Image image;
};
struct TransferLeadership {  // POST /swarmpy/v1/raft/transfer
  NodeId to;                 // empty: the most up-to-date manager
};
using Operation = std::variant<SwarmInit, SwarmJoin, SwarmLeave, SwarmUnlock, SignalContainer, StopContainer,
                               OpenLocalLogs, OpenSwarmLogs, CloseLogs, AddImage, TransferLeadership>;
// News of the logs of a request: lines, tasks whose lines cannot be had, and whether this was the last news
// of one OpenLocalLogs or OpenSwarmLogs.
struct LogNews {
  std::vector<wire::LogLine> lines;
  std::vector<wire::MissingLog> missing;
  bool end = false;
};
// What init answers with; join and leave answer with nothing.
struct OperationResult {
  NodeId node;
};

// ---- what comes out
struct BeginReply {
  ApiId id = 0;
  http::ResponseHead head;
};
struct ReplyPiece {
  ApiId id = 0;
  std::string bytes;
};
struct EndReply {
  ApiId id = 0;
};
struct CutReply {  // instead of EndReply: what was sent is not all
  ApiId id = 0;
};
struct Propose {  // answered by Api::settled
  ApiId id = 0;
  model::Transaction transaction;
};
struct Perform {
  ApiId id = 0;
  Operation operation;
};
struct Ask {  // answered by Api::told, before anything else happens
  ApiId id = 0;
  Question question;
};
using Effect = std::variant<BeginReply, ReplyPiece, EndReply, CutReply, Propose, Perform, Ask>;

// ---- looks
struct TakesTime {};  // a change, or a stream that goes on
// What a look comes to: an answer, or what must be known first, a question to the node or what is kept of the
// output of tasks.
using Looked = std::variant<TakesTime, Answer, Question, OpenSwarmLogs>;
// What was found out for it: what the node told, or the lines.
using Learnt = std::variant<std::monostate, Told, LogNews>;

struct Route;
// A request, parsed and routed once, when it arrives.
struct Routed {
  explicit Routed(http::Request asked);
  http::Request request;
  Target target;
  const Route* route = nullptr;  // null: page not found
  std::string name;              // the text that matched `*` or `**` in the route
  // By method and path alone. Unknown routes are local: they get their 404 or 501 here.
  Scope scope() const;
  // Returns true if the answer ends without a further event: lines that were logged, and no followed ones.
  bool is_past_log() const;
};

class Api {
 public:
  Api();
  ~Api();

  void request(ApiId id, const Routed& what, const Context& context);
  // Returns the answer that `request` would get at this very moment, and changes nothing. Where that takes
  // more than `context`, it returns what: the caller finds it out, and looks again with it as `learnt`.
  Looked look(const http::Request& request, const Context& context, const Learnt& learnt = {}) const;
  static Answer refusal(const Error& error);
  // The proposal of request `id` was applied or refused, or could not be made (`outcome.error` says why;
  // kNoLeader for Docker's lost-quorum text).
  void settled(ApiId id, const model::Outcome& outcome, const Context& context);
  void operation_done(ApiId id, const Result<OperationResult>& result, const Context& context);
  void log_news(ApiId id, const LogNews& news, const Context& context);
  void told(ApiId id, const Told& told, const Context& context);
  // The client is gone. May ask for CloseLogs.
  void abort(ApiId id);

  // The node could not get a request to the leader, or a read checked: answers with Docker's text.
  void fail(ApiId id, const Error& error);

  // ---- events for streams and waits
  void observe(const store::ChangeSet& changes, const Context& context);
  void observe(const agent::ContainerEvent& event, const Context& context);
  // A snapshot replaced the store, so that the single changes are not known: event streams break off.
  void changes_skipped();
  void begin_turn(Instant now);  // of the node, before all else: lists get their share of each turn
  void on_deadline(const Context& context);
  Instant next_deadline() const;

  std::vector<Effect> take_effects();
  std::size_t open_requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Docker's text for a swarm whose quorum is lost.
extern const char* const kNoLeaderText;

}  // namespace swarm::docker
