// Node::Impl: the parts of a node, and the order in which they act. Events come in (events.cpp), the turn
// lets the parts act (turn.cpp), and what a part wants is carried out before anything else happens
// (routing.cpp). No part knows another.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node/agent_part.hpp"
#include "node/api_router.hpp"
#include "node/core.hpp"
#include "node/leader_loops.hpp"
#include "node/lifecycle.hpp"
#include "node/log_hub.hpp"
#include "node/membership.hpp"
#include "node/node.hpp"
#include "node/other_group.hpp"
#include "node/pace.hpp"
#include "node/permissions.hpp"
#include "node/refusals.hpp"
#include "node/reopening.hpp"
#include "node/replica.hpp"

namespace swarm::node {

class Node::Impl {
 public:
  Impl(NodeOptions options, ports::Ports ports);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start(Instant now);
  void handle(ports::Event event) { queue_.push_back(std::move(event)); }
  void turn(Instant now);
  Instant next_deadline() const;
  void shut_down(Instant now);
  bool stopped() const;
  Inspection inspect() const;
  docker::Looked look(const http::Request& request, Instant now, bool leaderless,
                      const docker::Learnt& learnt) const;
  Visible visible() const;
  void reseed(std::uint64_t seed);

 private:
  // What only the leader has: made when this node is elected and ready, gone when it steps down.
  struct Leader {
    Leader(Core& core, Replica& replica) : loops(core, replica), membership(core, replica) {}
    LeaderLoops loops;
    Membership membership;
    std::deque<wire::Message> mail;    // of this node's own agent, to the dispatcher
    std::set<ports::LinkId> sessions;  // links that agents registered on
  };

  Result<void> enter();  // as the disk has it
  Result<void> enter_unlocked();
  Result<void> start_replica();  // as the disk has it
  Result<void> start_agent();
  Result<void> certify_itself();
  Result<void> show(ports::Credentials credentials);
  void note_cluster();
  void note_unlock_key();
  void stop_outdated(model::FeatureLevel level, std::uint64_t version);
  Result<void> stop_forgetful(const std::string& what, std::uint64_t version);
  void stop_older_copy(raft::Index counted_on);
  void stop_outvoted(raft::Index index);
  void stop_failing(const std::string& why);
  void stop_unusable(const ports::Unusable& unusable);
  void sideline(Sidelined sidelined);
  Result<void> recover_replica(const wire::ManagerPeer& self);
  Result<void> begin_recovered();

  // ---- surroundings.cpp: what the parts see of the node
  Leadership leadership() const;
  Leadership leadership_from_aside() const;
  Moment moment() const { return {core_.now, leadership()}; }
  Times times() const { return {core_.now, core_.wall()}; }
  Surroundings surroundings() const;
  bool is_settled() const;
  Hearer hearer(const model::Principal& who) const;
  PlaceOfTask place_of(TaskId task) const;
  std::optional<ports::LinkId> way_to(NodeId node) const;
  std::map<NodeId, ports::LinkId> ways_to(const std::set<NodeId>& nodes) const;

  // ---- events.cpp: what came in, to the part that it concerns
  void on(ports::LinkOpened event);
  void on(ports::LinkClosed event);
  void on(ports::FrameArrived&& event);
  void on(ports::DiskDone event);
  void on(const ports::DiskFailed& event);
  void on(const ports::DiskReopened& event);
  void on(const ports::DiskWaits& event);
  void on(const ports::TaskPrepared& event);
  void on(const ports::TaskStarted& event);
  void on(const ports::TaskExited& event);
  void on(const ports::TaskLog& event);
  void on(ports::ApiArrived event);
  void on(ports::ApiAborted event);
  void on(const ports::MeshProblems& event);
  void on(ports::OverlayChanged event);
  void on(const ports::OverlayProblems& event);
  void on_done(std::monostate) {}
  void on_done(const ReplicaStored& stored);
  void on_done(const RecordsStored& stored);
  void on_done(const GroupStored& stored);
  void on_done(const IdentityStored& stored);
  void on_done(const CertificateStored& stored);
  void refuse(const Speaker& from, const char* message, Denial denial, const char* rule = nullptr);
  void note_bad_frame(const ports::LinkClosed& event);
  void refuse_session(ports::LinkId link, wire::SessionRefused refused);
  void close_hasty_links();
  void note_other_leader(const Speaker& from, const ports::Frame& frame, Denial denial);
  bool note_other_group(const Speaker& from, const wire::Message& message);
  void note_refused_link(const ports::Refusal& refusal, const std::optional<Links::Gone>& gone);
  void on_snapshot(const Speaker& from, const wire::Message& message);
  void on_wire(const Speaker& from, wire::Message message);
  void on_leader_wire(const Speaker& from, Part part, const wire::Message& message);
  void refuse_as_follower(ports::LinkId link, const wire::Message& message);
  void close_link(ports::LinkId link);
  void close_links();
  void link_gone(ports::LinkId link, const Links::Gone& gone);

  // ---- routing.cpp: carries out what a part wants, in its order
  template <class AnyPart>
  void settle(AnyPart& part);
  void settle(Replica&) {}  // these act on their ports themselves
  void settle(LeaderLoops&) {}
  void settle(Membership&) {}
  void settle(AgentPart&) { settle_agent(); }
  void settle_agent();
  void carry_out(effect::SendOn effect);
  void carry_out(effect::SendTo effect);
  void carry_out(effect::AskToJoin effect);
  void carry_out(const effect::AskOwnLeader& effect);
  void carry_out(const effect::AskOwnStore& effect);
  void carry_out(effect::DialManager effect);
  void carry_out(effect::ToDispatcher effect);
  void carry_out(effect::Listen effect);
  void carry_out(effect::StopListening effect);
  void carry_out(effect::CloseLinks effect);
  void carry_out(effect::SayHello effect);
  void carry_out(effect::SetCredentials effect);
  void carry_out(effect::Store effect);
  void carry_out(const effect::Unlock& effect);
  void carry_out(effect::WipeReplica effect);
  void carry_out(effect::WipeAll effect);
  void carry_out(effect::StartAgent effect);
  void carry_out(effect::StopAgent effect);
  void carry_out(effect::DrainAgent effect);
  void carry_out(const effect::CreateReplica& effect);
  void carry_out(const effect::JoinReplica& effect);
  void carry_out(effect::BeginReplica effect);
  void carry_out(effect::RecoverReplica effect);
  void carry_out(effect::StopReplica effect);
  void carry_out(effect::HandOver effect);
  void carry_out(const effect::OperationDone& effect);
  void carry_out(const effect::NewsOfLogs& effect);
  void carry_out(const effect::Prepare& effect);
  void carry_out(const agent::StartTask& effect);
  void carry_out(const agent::StopTask& effect);
  void carry_out(const agent::RemoveTask& effect);
  void carry_out(const agent::SessionFacts& effect);
  void carry_out(const agent::Refused& effect);
  void carry_out(const agent::Removed& effect);
  void carry_out(const agent::ContainerEvent& effect);
  void carry_out(const effect::OpenLogs& effect);
  void carry_out(effect::CloseLogs effect);
  void carry_out(effect::JoinMesh effect);
  void carry_out(effect::SetTable effect);
  void carry_out(effect::JoinOverlay effect);
  void carry_out(const agent::ChangeOverlay& effect);
  void carry_out(const effect::TaskUp& effect);
  void carry_out(effect::TaskStopping effect);
  void carry_out(effect::TaskGone effect);
  void carry_out(const effect::Tell& effect);
  void carry_out(effect::Answer effect);
  void carry_out(const effect::Fail& effect);
  void carry_out(const effect::Settled& effect);
  void carry_out(effect::Abort effect);
  void carry_out(effect::Forward effect);
  void carry_out(effect::CheckRead effect);
  void carry_out(effect::BeginReply effect);
  void carry_out(effect::PieceOfReply effect);
  void carry_out(effect::EndReply effect);
  // ... and what the API machine wants
  bool settle_api();
  void carry_out(docker::BeginReply effect);
  void carry_out(docker::ReplyPiece effect);
  void carry_out(docker::EndReply effect);
  void carry_out(docker::CutReply effect);
  void carry_out(docker::Propose effect);
  void carry_out(docker::Perform effect);
  void carry_out(const docker::Ask& effect);
  // operations.cpp
  void perform(ports::ApiId id, const docker::SwarmInit& wish);
  void perform(ports::ApiId id, const docker::SwarmJoin& wish);
  void perform(ports::ApiId id, const docker::SwarmLeave& wish);
  void perform(ports::ApiId id, const docker::SwarmUnlock& wish);
  void perform(ports::ApiId id, const docker::SignalContainer& wish);
  void perform(ports::ApiId id, const docker::StopContainer& wish);
  void perform(ports::ApiId id, const docker::OpenLocalLogs& wish);
  void perform(ports::ApiId id, const docker::OpenSwarmLogs& wish);
  void perform(ports::ApiId id, const docker::CloseLogs& wish);
  void perform(ports::ApiId id, const docker::AddImage& wish);
  void perform(ports::ApiId id, const docker::TransferLeadership& wish);
  void operation_done(ports::ApiId id, const Result<docker::OperationResult>& result);

  // ---- turn.cpp
  void take_events();
  void run_deadlines();
  bool run_parts();
  bool run_replica();
  bool run_leader();
  // Of this node's own agent, to the dispatcher.
  bool has_local_mail() const { return leader_ && !leader_->mail.empty() && core_.identity; }
  bool run_agent();
  void run_lifecycle();
  bool run_api();
  void note_leader_change();
  void note_members();
  void deliver_applied(const AppliedEntry& entry);
  void answer_after_lock();
  void step_down();
  void retire_replica();
  // Each part that this node has now, in the order in which they hear of an event.
  template <class Act>
  void each_part(Act&& act);

  // ---- views.cpp: what the API sees
  docker::Context api_context();
  void show(docker::LocalNode& local, docker::RaftView& raft) const;
  std::vector<std::string> problems() const;
  std::string other_group_problem() const;
  docker::Told answer_to(const docker::Question& question) const;
  std::vector<docker::Metric> metrics() const;

  Core core_;
  Refusals refusals_;
  Pace pace_;
  docker::Api api_;
  ApiRouter router_;
  LogHub logs_;
  Lifecycle lifecycle_;
  std::unique_ptr<AgentPart> agent_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Leader> leader_;
  std::deque<ports::Event> queue_;
  ports::Credentials credentials_;  // what this node shows now
  std::string root_key_seen_;       // whose ticket key it has
  std::set<NodeId> removed_nodes_;  // as the store says
  docker::LocalNode local_;
  docker::RaftView raft_view_;
  std::uint64_t container_events_ = 0;
  bool shutting_down_ = false;
  bool replica_retired_ = false;
  std::map<ports::LinkId, Speaker> hasty_;  // their links close when the leader has done its round
  std::vector<std::pair<std::uint64_t, model::Outcome>> answer_after_lock_;  // proposals of clients
  OtherGroup other_group_;
  Reopening reopening_;
  std::string disk_waits_;                       // why the node's own batches wait
  std::optional<wire::ManagerPeer> recovering_;  // the only member of the group that is made next
  int local_rounds_ = 0;                         // in this turn: of a leader and its own agent
};

template <class Act>
void Node::Impl::each_part(Act&& act) {
  if (replica_) act(*replica_);
  if (leader_) act(leader_->membership);
  if (leader_) act(leader_->loops);
  if (agent_) act(*agent_);
  act(lifecycle_);
  act(logs_);
  act(router_);
}

}  // namespace swarm::node
