// Effects: what the parts of a node ask of it. A part takes events and gives these, in the order in which
// they are to happen; Node carries them out before anything else happens (routing.cpp). Where a part needs an
// outcome, Node tells it at once, by the event that is named beside the effect.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/worker.hpp"
#include "docker/api.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

// Stands for "this very node" wherever a link is named.
inline constexpr ports::LinkId kLocalLink = ~ports::LinkId{0};

namespace effect {

// ---- to other nodes
struct SendOn {
  ports::LinkId link = 0;
  wire::Message message;
};
struct SendTo {  // on the link to `address`, which is opened if need be
  Address address;
  wire::Message message;
};
struct AskToJoin {  // Lifecycle::on_asked names the link
  Address address;
  wire::Message request;  // for the root, then to join
};
struct AskOwnLeader {  // this node leads: Lifecycle::on_message has the answer
  wire::CertificateRequest request;
};
// This manager's certificate has expired, so that no other may answer: the root's key is in its own store.
// Lifecycle::on_message has the answer.
struct AskOwnStore {
  wire::CertificateRequest request;
};
struct DialManager {  // AgentPart::on_dialled names the link
  Address address;
};
struct ToDispatcher {  // of this node, while it leads
  wire::Message message;
};
struct Listen {  // Lifecycle::on_listening says whether the address is free
  Address address;
};
struct StopListening {};
struct CloseLinks {};    // all of them; later ones open with the present identity
struct SayHello {};      // the Raft id has changed
struct SetCredentials {  // later links open with these
  ports::Credentials credentials;
};

// ---- to the disk
struct Store {
  ports::DiskBatch batch;
  Waits waits;  // what goes on when the batch is done
};
struct Unlock {  // Lifecycle::on_wrong_key, or on_unlocked when the node has started
  ports::ApiId id = 0;
  std::string key;
};
struct WipeReplica {};
struct WipeAll {};

// ---- to other parts
struct StartAgent {};
struct StopAgent {};
struct DrainAgent {};   // Lifecycle::run follows
struct CreateReplica {  // of a new swarm
  wire::ManagerPeer self;
  model::Transaction first;
};
struct JoinReplica {  // of a manager-to-be
  std::uint64_t raft_id = 0;
  std::vector<wire::ManagerPeer> members;
};
struct RecoverReplica {  // a new group of this manager alone; Lifecycle::on_recovered
  wire::ManagerPeer self;
};
struct BeginReplica {};  // it takes part from now on
struct StopReplica {};
struct HandOver {};  // leadership, to the best successor
struct OperationDone {
  ports::ApiId id = 0;
  Result<docker::OperationResult> result = docker::OperationResult{};
};
struct NewsOfLogs {
  ports::ApiId id = 0;
  docker::LogNews news;
};

// ---- to the runner and the packet path
struct Prepare {
  ports::Launch launch;
};
struct OpenLogs {  // LogHub::on_opened names the runner's stream
  TaskId task;
  wire::LogOptions options;
};
struct CloseLogs {
  ports::LogStreamId stream = 0;
};
struct JoinMesh {
  ClusterId cluster;
  NodeId node;
};
struct SetTable {
  std::shared_ptr<const model::ForwardingTable> table;
};
struct TaskUp {
  model::MeshTask task;
};
struct TaskStopping {
  TaskId task;
};
struct TaskGone {
  TaskId task;
};
struct JoinOverlay {
  NodeId node;
};
struct Tell {  // the trace
  const char* kind = "";
  std::string text;
};

// ---- to the API, and to its clients
struct Answer {  // by this node's API
  ports::ApiId id = 0;
};
struct Fail {
  ports::ApiId id = 0;
  Error error;
};
struct Settled {  // its proposal was applied, or refused when it was
  ports::ApiId id = 0;
  model::Outcome outcome;
};
struct Abort {
  ports::ApiId id = 0;
};
struct Forward {  // ApiRouter::on_way names the link
  ports::ApiId id = 0;
  Address leader;
};
struct CheckRead {  // ApiRouter::on_read_ready follows when the check is done
  std::uint64_t context = 0;
};
struct BeginReply {
  ports::ApiId id = 0;
  http::ResponseHead head;
};
struct PieceOfReply {
  ports::ApiId id = 0;
  std::string bytes;
};
struct EndReply {
  ports::ApiId id = 0;
  bool cut = false;
};

}  // namespace effect

using Effect =
    std::variant<effect::SendOn, effect::SendTo, effect::AskToJoin, effect::AskOwnLeader, effect::AskOwnStore,
                 effect::DialManager, effect::ToDispatcher, effect::Listen, effect::StopListening,
                 effect::CloseLinks, effect::SayHello, effect::SetCredentials, effect::Store, effect::Unlock,
                 effect::WipeReplica, effect::WipeAll, effect::StartAgent, effect::StopAgent,
                 effect::DrainAgent, effect::CreateReplica, effect::JoinReplica, effect::RecoverReplica,
                 effect::BeginReplica, effect::StopReplica, effect::HandOver, effect::OperationDone,
                 effect::NewsOfLogs, effect::Prepare, effect::OpenLogs, effect::CloseLogs, effect::JoinMesh,
                 effect::SetTable, effect::TaskUp, effect::TaskStopping, effect::TaskGone, effect::Tell,
                 effect::Answer, effect::Fail, effect::Settled, effect::Abort, effect::Forward,
                 effect::CheckRead, effect::BeginReply, effect::PieceOfReply, effect::EndReply,
                 agent::StartTask, agent::StopTask, agent::RemoveTask, agent::SessionFacts, agent::Refused,
                 agent::Removed, agent::ContainerEvent, effect::JoinOverlay, agent::ChangeOverlay>;

// The effects of one part that are not carried out yet. Its functions are in effects.cpp: a source that only
// adds effects, or holds a part, does not compile all that a variant of fifty kinds needs.
class Outbox {
 public:
  Outbox();
  ~Outbox();
  Outbox(Outbox&&) noexcept;
  Outbox& operator=(Outbox&&) noexcept;

  template <class Kind>
  void add(Kind effect);
  std::optional<Effect> next();
  bool empty() const;

 private:
  std::deque<Effect> effects_;
};

}  // namespace swarm::node
