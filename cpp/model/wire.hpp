// The messages between nodes, apart from Raft's own (raft/message.hpp).
//
// Any frame may be lost, doubled or come late, and a link may close at any time: a sender that needs an
// answer asks again. node/permissions.cpp decides which node may send which message, from the certificate
// that it showed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/task.hpp"

namespace swarm::wire {

inline constexpr std::uint32_t kProtocolVersion = 2;

// Opens every link, in both directions. It says what no certificate can: the sender's member id in the Raft
// group. The sender's name and role are in its certificate.
struct Hello {
  std::uint32_t protocol_version = kProtocolVersion;
  std::uint64_t raft_id = 0;  // 0: no member
  bool operator==(const Hello&) const = default;
};

struct ManagerPeer {
  NodeId node;
  std::uint64_t raft_id = 0;
  Address address;
  bool operator==(const ManagerPeer&) const = default;
};

// ---- joining

// The first question of a node on its way in, which believes no peer yet: it compares the answer with the
// digest in its token.
struct RootRequest {
  std::uint64_t request = 0;
  bool operator==(const RootRequest&) const = default;
};
struct RootReply {
  std::uint64_t request = 0;
  std::string root_cert_pem;
  bool operator==(const RootReply&) const = default;
};

// Sent to a manager that has proved to be one: the token is a secret.
struct JoinRequest {
  std::uint64_t request = 0;
  std::string token;
  model::NodeDescription description;
  model::Availability availability = model::Availability::active;
  std::string addr;                     // advertised, "ip:port"; unspecified: as seen
  std::string certificate_request_pem;  // of the node's own key (PKCS #10)
  bool operator==(const JoinRequest&) const = default;
};

struct JoinReply {
  std::uint64_t request = 0;
  std::optional<Error> error;
  std::optional<Address> leader;  // ask there instead
  ClusterId cluster;
  NodeId node;
  model::NodeRole role = model::NodeRole::worker;
  std::string root_cert_pem;
  std::vector<ManagerPeer> managers;
  std::string certificate_pem;
  bool operator==(const JoinReply&) const = default;
};

// A node of the swarm wants its next certificate: the old one has lived for long, or says another role.
struct CertificateRequest {
  std::uint64_t request = 0;
  std::string certificate_request_pem;
  bool operator==(const CertificateRequest&) const = default;
};
struct CertificateReply {
  std::uint64_t request = 0;
  std::optional<Error> error;
  std::optional<Address> leader;
  std::string certificate_pem;
  bool operator==(const CertificateReply&) const = default;
};

// A node whose role is manager asks to become a member of the Raft group (learner first, then voter).
struct RaftJoinRequest {
  std::uint64_t request = 0;
  NodeId node;
  Address address;
  bool operator==(const RaftJoinRequest&) const = default;
};

struct RaftJoinReply {
  std::uint64_t request = 0;
  std::optional<Error> error;
  std::optional<Address> leader;
  std::uint64_t raft_id = 0;
  std::vector<ManagerPeer> members;
  bool operator==(const RaftJoinReply&) const = default;
};

// A node leaves by its own will: a manager is taken out of the Raft group, a worker's node goes DOWN at once.
struct LeaveRequest {
  std::uint64_t request = 0;
  NodeId node;
  bool operator==(const LeaveRequest&) const = default;
};

struct LeaveReply {
  std::uint64_t request = 0;
  std::optional<Error> error;
  std::optional<Address> leader;
  bool operator==(const LeaveReply&) const = default;
};

// ---- dispatcher and agent

struct Register {
  NodeId node;
  model::NodeDescription description;
  // The last session of this run of the node; 0: it had none. It shows that the node whose session this was
  // comes back, and not a second one with the same identity: no disk has it.
  std::uint64_t previous = 0;
  bool operator==(const Register&) const = default;
};

// Answer to Register, and sent again when one of its facts changes.
struct Session {
  std::uint64_t session = 0;
  Duration heartbeat_period;
  model::NodeRole role = model::NodeRole::worker;  // what the node is to be
  std::vector<ManagerPeer> managers;
  std::uint64_t version = 0;  // of the sender's store: that of a deposed leader is behind the node's own
  bool ready = false;         // the store says that the node is ready, and no change of that is under way
  std::string root_cert_pem = {};  // that the node is to believe; empty: as it does
  std::string issuer = {};         // of the certificate that it is to have (Crypto::root_id); empty: any
  Duration renew_within = {};  // where it has another one's: it asks at a moment of its own within this time
  bool operator==(const Session&) const = default;
};

// The session is not known (any more), or this manager is not the leader: register again, at `leader` if it
// is given.
struct SessionRefused {
  std::uint64_t session = 0;
  std::string reason;
  std::optional<Address> leader;
  bool removed = false;     // the node is no longer a member of the swarm
  bool remarkable = false;  // the node's user is to see the reason
  bool operator==(const SessionRefused&) const = default;
};

struct Heartbeat {
  std::uint64_t session = 0;
  bool operator==(const Heartbeat&) const = default;
};

struct HeartbeatReply {
  std::uint64_t session = 0;
  Duration period;  // until the next one, jitter included
  bool operator==(const HeartbeatReply&) const = default;
};

// ---- the feed: all that managers send a node to know and to do, as one numbered stream for each session

// The published ports of a service. The tasks behind them are rows of their own (MeshBackend).
struct MeshService {
  ServiceId service;
  std::vector<model::MeshPort> ports;
  bool operator==(const MeshService&) const = default;
};

// A node that was removed from the swarm: no node believes its certificate.
struct RemovedNode {
  NodeId node;
  bool operator==(const RemovedNode&) const = default;
};
// Which agents understand it.
inline constexpr model::FeatureLevel kRemovedNodesSince = 2;

// The tables of overlay networks. A node hears of a network while it has a task on it. Addresses and subnets
// are as the store has them: "10.0.1.3/24".
struct OverlayNetwork {
  NetworkId network;
  std::string name;
  std::uint32_t vni = 0;
  std::vector<std::string> subnets;
  std::uint32_t mtu = 0;  // of the tasks' interfaces; 0: as the node has it
  bool internal = false;  // no way out of it
  bool encrypted = false;
  bool operator==(const OverlayNetwork&) const = default;
};

// A service on a network. Without an address its name leads to its tasks (dnsrr).
struct OverlayVip {
  NetworkId network;
  std::string address;
  std::vector<std::string> aliases;
  bool operator==(const OverlayVip&) const = default;
};
struct OverlayService {
  ServiceId service;
  std::string name;
  std::vector<OverlayVip> vips;  // one for each of its networks that the node hears of
  bool operator==(const OverlayService&) const = default;
};

// How far a task is, as its networks see it.
enum class OverlayStage : std::uint8_t {
  made,     // its place exists, its process need not
  serving,  // it runs: its service's name and address lead to it
  leaving,  // it is to stop: they lead to it no more, its own address still does
};
struct OverlayPlace {
  NetworkId network;
  std::string address;
  std::uint32_t index = 0;  // among the task's networks, in the order of its spec
  bool operator==(const OverlayPlace&) const = default;
};
struct OverlayTask {
  TaskId task;
  NodeId node;
  Address data;  // of the node: where frames for the task go
  ServiceId service;
  std::string name;  // "web.1.TASKID"
  std::vector<std::string> aliases;
  OverlayStage stage = OverlayStage::made;
  std::vector<OverlayPlace> places;  // on networks that the node hears of
  bool operator==(const OverlayTask&) const = default;
};
// Which agents understand them.
inline constexpr model::FeatureLevel kOverlaysSince = 3;

// Something that a node must know: a task that it is to run (with its template); what concerns every node: a
// row of the routing mesh's table, a node that was removed; or what concerns nodes with tasks on a network: a
// row of the overlay's tables. Secrets come as a further kind.
using FeedItem = std::variant<model::Task, MeshService, model::MeshBackend, RemovedNode, OverlayNetwork,
                              OverlayService, OverlayTask>;
// In the order of FeedItem; the numbers are sent.
enum class FeedKind : std::uint8_t {
  task,
  mesh_service,
  mesh_backend,
  removed_node,
  overlay_network,
  overlay_service,
  overlay_task,
};

// Names an item: its kind, and its id within the kind.
struct FeedKey {
  FeedKind kind = FeedKind::task;
  Uint128 id = 0;
  friend auto operator<=>(const FeedKey&, const FeedKey&) = default;

  static FeedKey task(TaskId id) { return {FeedKind::task, id.value()}; }
  static FeedKey mesh_service(ServiceId id) { return {FeedKind::mesh_service, id.value()}; }
  static FeedKey mesh_backend(TaskId id) { return {FeedKind::mesh_backend, id.value()}; }
  static FeedKey removed_node(NodeId id) { return {FeedKind::removed_node, id.value()}; }
  static FeedKey overlay_network(NetworkId id) { return {FeedKind::overlay_network, id.value()}; }
  static FeedKey overlay_service(ServiceId id) { return {FeedKind::overlay_service, id.value()}; }
  static FeedKey overlay_task(TaskId id) { return {FeedKind::overlay_task, id.value()}; }
};

// A state of the store that a leader has told: those of a later leader, and of a later version, are newer.
struct StoreMoment {
  std::uint64_t term = 0, version = 0;
  auto operator<=>(const StoreMoment&) const = default;
};

// The state of some items at the store's version `store_version`.
//
// It holds everything that changed for the node after number `from`, and brings the node to number `to`. A
// node at any number in [from, to) can apply it. Values are whole, so that an item may come twice without
// harm. A session begins with the complete feed, in pieces from `first` to `last`: an item that none of them
// names is gone.
struct FeedUpdate {
  std::uint64_t session = 0;
  std::uint64_t from = 0;  // 0: applies to whatever the node knows
  std::uint64_t to = 0;
  bool first = false, last = false;
  // The same on every manager, so that any of them may serve a node.
  std::uint64_t store_version = 0;
  std::vector<FeedItem> items;   // new or changed
  std::vector<FeedKey> removed;  // gone, or no longer this node's concern
  std::uint64_t term = 0;        // in which the manager leads
  bool operator==(const FeedUpdate&) const = default;

  // The node ignores a manager that is behind what it has acted on (one that was deposed, paused or cut off).
  StoreMoment moment() const { return {term, store_version}; }
};

// How far the node has come, and what it cannot carry out (listen at a published port that another program
// has). Sent after each update, and when the problems change.
struct FeedAck {
  std::uint64_t session = 0;
  std::uint64_t applied = 0;
  std::uint64_t refused = 0;  // `to` of an update that came before the one it builds on; 0: none
  std::vector<std::string> problems;
  bool operator==(const FeedAck&) const = default;
};

// What a FeedUpdate says about the routing mesh, for the keeper of its table (net/mesh).
struct MeshChange {
  bool first = false, last = false;
  std::vector<MeshService> services;
  std::vector<model::MeshBackend> backends;
  std::vector<NodeId> removed_nodes;  // that were removed from the swarm
  std::vector<ServiceId> removed_services;
  std::vector<TaskId> removed_backends;
  bool empty() const {
    return !first && !last && services.empty() && backends.empty() && removed_nodes.empty() &&
           removed_services.empty() && removed_backends.empty();
  }
  bool operator==(const MeshChange&) const = default;
};

// What a FeedUpdate says about overlay networks, for the node's data plane (net/overlay).
struct OverlayChange {
  bool first = false, last = false;
  std::vector<OverlayNetwork> networks;
  std::vector<OverlayService> services;
  std::vector<OverlayTask> tasks;
  std::vector<NetworkId> removed_networks;
  std::vector<ServiceId> removed_services;
  std::vector<TaskId> removed_tasks;
  bool empty() const {
    return !first && !last && networks.empty() && services.empty() && tasks.empty() &&
           removed_networks.empty() && removed_services.empty() && removed_tasks.empty();
  }
  bool operator==(const OverlayChange&) const = default;
};

// ---- dispatcher and agent: reports

struct TaskReport {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::vector<std::pair<TaskId, model::TaskStatus>> statuses;
  bool operator==(const TaskReport&) const = default;
};

// The report is in the replicated store, no longer just in the leader's memory.
struct TaskReportAck {
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  bool operator==(const TaskReportAck&) const = default;
};

// ---- logs, from agents to the manager that asks

struct LogOptions {
  bool out = true, err = true, follow = false;
  std::int64_t tail = -1;  // last n lines; -1: all
  WallTime since, until;   // 0: open
  bool operator==(const LogOptions&) const = default;
};

struct LogLine {
  TaskId task;
  bool err = false;  // stderr
  WallTime time;
  std::string text;  // without the newline
  bool operator==(const LogLine&) const = default;
};

struct LogSubscribe {
  std::uint64_t stream = 0;
  std::vector<TaskId> tasks;
  LogOptions options;
  bool operator==(const LogSubscribe&) const = default;
};
struct LogUnsubscribe {
  std::uint64_t stream = 0;
  bool operator==(const LogUnsubscribe&) const = default;
};
// A task whose output cannot be had, or not to its end, and why: "node w1 is not available".
struct MissingLog {
  TaskId task;
  std::string reason;
  bool operator==(const MissingLog&) const = default;
};
struct LogChunk {
  std::uint64_t stream = 0;
  std::vector<LogLine> lines;
  std::vector<TaskId> finished;     // no more lines will come of these
  std::vector<MissingLog> missing;  // of those that finish: some of their lines never came
  std::uint64_t number = 0;  // 1, 2, 3, ... of the stream on this link; 0: an agent that does not count
  bool operator==(const LogChunk&) const = default;
};

// ---- requests passed on to the leader

struct ApiForward {
  std::uint64_t id = 0;
  std::string method, target;  // target: path and query as received
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool operator==(const ApiForward&) const = default;
};
struct ApiReplyHead {
  std::uint64_t id = 0;
  std::uint32_t status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  bool streaming = false;
  bool operator==(const ApiReplyHead&) const = default;
};
struct ApiReplyBody {
  std::uint64_t id = 0;
  std::string bytes;
  bool end = false;
  std::uint64_t number = 0;  // 1, 2, 3, ... of the reply; 0: a manager that does not count
  bool cut = false;          // with `end`: the reply breaks off here, more should have come
  bool operator==(const ApiReplyBody&) const = default;
};
struct ApiCancel {
  std::uint64_t id = 0;
  bool operator==(const ApiCancel&) const = default;
};

// ---- Raft snapshots in pieces

// The pieces of one MsgSnap come in order on one link, and each is acknowledged. On another link they go on
// from what was acknowledged.
struct SnapshotChunk {
  std::uint64_t snapshot_index = 0;
  std::uint32_t number = 0;
  bool last = false;
  std::string message;  // the first piece on a link carries the encoded MsgSnap without its data
  std::string data;
  std::uint64_t checksum = 0;  // FNV-1a of `data`
  bool operator==(const SnapshotChunk&) const = default;
};
// The sender of this has the first `received` pieces; 0: it knows nothing of this snapshot.
struct SnapshotAck {
  std::uint64_t snapshot_index = 0;
  std::uint32_t received = 0;
  bool operator==(const SnapshotAck&) const = default;
};

using Message = std::variant<JoinRequest, JoinReply, RaftJoinRequest, RaftJoinReply, LeaveRequest, LeaveReply,
                             Register, Session, SessionRefused, Heartbeat, HeartbeatReply, FeedUpdate,
                             FeedAck, TaskReport, TaskReportAck, LogSubscribe, LogUnsubscribe, LogChunk,
                             ApiForward, ApiReplyHead, ApiReplyBody, ApiCancel, SnapshotChunk, RootRequest,
                             RootReply, CertificateRequest, CertificateReply, SnapshotAck>;

}  // namespace swarm::wire
