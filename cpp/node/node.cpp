// The public face, and the events' way in. The turn itself is in turn.cpp.
#include "node/node.hpp"

#include <utility>

#include "control/feature_level.hpp"
#include "node/impl.hpp"
#include "node/replica_disk.hpp"

namespace swarm::node {

Node::Node(NodeOptions options, ports::Ports ports)
    : impl_(std::make_unique<Impl>(std::move(options), ports)) {}
Node::~Node() = default;
Result<void> Node::start(Instant now) { return impl_->start(now); }
void Node::handle(ports::Event event) { impl_->handle(std::move(event)); }
void Node::turn(Instant now) { impl_->turn(now); }
Instant Node::next_deadline() const { return impl_->next_deadline(); }
void Node::shut_down(Instant now) { impl_->shut_down(now); }
bool Node::stopped() const { return impl_->stopped(); }
Inspection Node::inspect() const { return impl_->inspect(); }
docker::Answer Node::without_leader() { return ApiRouter::without_leader(); }
Visible Node::visible() const { return impl_->visible(); }
void Node::reseed(std::uint64_t seed) { impl_->reseed(seed); }
std::optional<docker::Answer> Node::look(const http::Request& request, Instant now, bool leaderless,
                                         const docker::LogSource& source) const {
  return impl_->look(request, now, leaderless, source);
}

Node::Impl::Impl(NodeOptions options, ports::Ports ports)
    : core_(std::move(options), ports),
      refusals_(core_),
      router_(core_, *this),
      logs_(core_, *this),
      lifecycle_(core_, *this) {
  core_.links.set_source(core_.options.address);
  inside_ = make_inside();
  core_.options.description.feature_level = core_.options.build.feature_level;
  local_.description = core_.options.description;
  local_.hostname = core_.options.description.hostname;
  local_.data_root = core_.options.data_root;
  local_.operating_system = core_.options.operating_system;
  local_.os_version = core_.options.os_version;
  local_.kernel_version = core_.options.kernel_version;
  local_.engine_labels = core_.options.description.engine_labels;
}

Result<void> Node::Impl::start(Instant now) {
  core_.now = now;
  local_.started_at = core_.wall();
  auto identity = load_identity(core_.ports.disk);
  if (!identity) return identity.error();
  if (!*identity) {
    // A manager's state without a name is an init that a crash cut short.
    if (core_.ports.disk.has_manager_state()) core_.ports.disk.wipe_manager();
    core_.links.set_hello(core_.hello());
    return {};
  }
  core_.identity = **identity;
  // A member-to-be that never took part, or a past member: nobody may speak for what is in there.
  if (core_.identity->raft_id == 0 && core_.ports.disk.has_manager_state()) core_.ports.disk.wipe_manager();
  if (core_.identity->raft_id != 0) {
    if (!core_.ports.disk.has_manager_state())
      return plain_error(Code::data_loss,
                         "the data root is corrupt: this node is a manager, but its Raft state is "
                         "gone; restore it from a copy, or start with an empty data root and join again");
    if (const auto loaded = open_replica(); !loaded) return loaded;
  }
  core_.links.set_hello(core_.hello());
  agent_ = std::make_unique<AgentPart>(core_, *this);
  return agent_->start();
}

Result<void> Node::Impl::open_replica() {
  if (const auto level = stored_level(core_.ports.disk); level > core_.options.build.feature_level) {
    stop_outdated(level, stored_version(core_.ports.disk));
    return {};
  }
  auto replica = Replica::load(core_);
  if (!replica) return replica.error();
  if (const auto listening = lifecycle_.listen_again(); !listening) return listening;
  start_replica(std::move(*replica));
  if (replica_->voters() == std::set<std::uint64_t>{replica_->raft_id()}) replica_->campaign();
  return {};
}

// To the other members it is as if it were down. Its agent goes on, and asks them for its session.
void Node::Impl::stop_outdated(model::FeatureLevel level, std::uint64_t version) {
  core_.outdated = Core::Outdated{control::too_old(core_.options.build.feature_level, level), version};
  core_.trace("warning.outdated", [&] { return core_.outdated->why; });
  if (!replica_) return;
  stop_replica();
  core_.ports.transport.stop_listening();
  close_links();
}

// ---- links

void Node::Impl::reseed(std::uint64_t seed) {
  core_.rng = Rng(seed);
  core_.links.reseed(core_.rng.fork());
  if (agent_) agent_->worker().reseed(core_.rng.fork());
  if (replica_) replica_->reseed(core_.rng.next());
  if (loops_) loops_->reseed(core_.rng);
}

void Node::Impl::on(ports::LinkOpened event) {
  core_.links.on_opened(event);
  core_.trace("link.opened", [&] {
    return "remote=" + event.remote.str() + " peer=" + event.peer.node.str() +
           (event.inbound ? " inbound" : "");
  });
  if (event.inbound) return;
  if (agent_) agent_->on_link_opened(event.link);
  if (membership_) membership_->on_link_opened(event.remote);
}

void Node::Impl::on(ports::LinkClosed event) {
  const auto gone = core_.links.on_closed(event.link, core_.now);
  if (!gone) return;
  core_.trace("link.closed", [&] { return "peer=" + gone->peer.node.str() + " reason=" + event.reason; });
  link_gone(event.link, *gone);
}

void Node::Impl::link_gone(ports::LinkId link, const Links::Gone& gone) {
  sessions_.erase(link);
  if (replica_) replica_->on_link_closed(link, gone);
  if (membership_ && gone.outbound) membership_->on_link_closed(*gone.outbound);
  if (loops_) loops_->dispatcher().on_link_closed(replica_->store(), link, core_.now);
  if (agent_) agent_->on_link_closed(link);
  lifecycle_.on_link_closed(link);
  logs_.on_link_closed(link);
  router_.on_link_closed(link);
}

void Node::Impl::close_links() {
  for (const auto& [link, gone] : core_.links.close_all()) link_gone(link, gone);
}

void Node::Impl::on(ports::FrameArrived event) {
  const model::Principal* peer = core_.links.peer(event.link);
  if (peer == nullptr)  // the link was closed here while the frame was on its way
    return core_.trace("frame.denied", [&] { return "link=" + std::to_string(event.link); });
  const model::Principal who = *peer;  // a handler may close the link
  const Way way = core_.links.is_outbound(event.link) ? Way::answers : Way::asks;
  if (const auto denial = check(who, way, hearer(), event.frame))
    return refuse(event.link, who, event.frame, *denial);
  if (auto* message = std::get_if<raft::Message>(&event.frame)) return replica_->step(std::move(*message));
  on_wire(event.link, who, std::move(std::get<wire::Message>(event.frame)));
}

Hearer Node::Impl::hearer() const {
  Hearer out;
  if (core_.identity) out.cluster = core_.identity->cluster;
  if (!replica_) return out;
  out.raft_id = replica_->raft_id();
  out.members = &replica_->members();
  out.removed = &replica_->removed();
  if (replica_->raft().hears_leader()) out.leader = replica_->raft().leader();
  return out;
}

void Node::Impl::refuse(ports::LinkId link, const model::Principal& who, const ports::Frame& frame,
                        Denial denial) {
  // A link that this node opened stays: it would only be dialled again.
  const bool closes = row_of(denial).closes && !core_.links.is_outbound(link);
  refusals_.note(link, who, permission(frame).name, denial, closes);
  if (!closes) return;
  if (const auto gone = core_.links.close(link)) link_gone(link, *gone);
}

void Node::Impl::on_wire(ports::LinkId link, const model::Principal& who, wire::Message message) {
  const Part part = permission(message).part;
  switch (part) {
    case Part::replica:
      if (replica_) replica_->on_chunk(link, std::move(std::get<wire::SnapshotChunk>(message)));
      return;
    case Part::membership:
    case Part::dispatcher:
      return on_leader_wire(link, who, part, message);
    case Part::api:
      return on_api_wire(link, std::move(message));
    case Part::lifecycle:
      return lifecycle_.on_message(link, message);
    case Part::logs:
      return logs_.on_message(link, message);
    case Part::agent:
      if (agent_) agent_->on_message(link, message);
  }
}

void Node::Impl::on_leader_wire(ports::LinkId link, const model::Principal& who, Part part,
                                const wire::Message& message) {
  if (!loops_) return refuse_as_follower(link, message);
  if (part == Part::membership) return membership_->on_message(link, who, message);
  sessions_.insert(link);
  loops_->dispatcher().on_message(replica_->store(), link, who, core_.links.remote(link)->host(), message,
                                  core_.now);
}

void Node::Impl::on_api_wire(ports::LinkId link, wire::Message message) {
  if (auto* forward = std::get_if<wire::ApiForward>(&message)) {
    router_.on_forward(link, std::move(*forward));
  } else if (const auto* cancel = std::get_if<wire::ApiCancel>(&message)) {
    router_.on_cancel(link, *cancel);
  } else if (auto* head = std::get_if<wire::ApiReplyHead>(&message)) {
    router_.on_reply(link, std::move(*head));
  } else if (auto* body = std::get_if<wire::ApiReplyBody>(&message)) {
    router_.on_reply(link, std::move(*body));
  }
}

// Not the leader: say who is, if it is known. A node that is no manager (yet, or any more) has no say.
void Node::Impl::refuse_as_follower(ports::LinkId link, const wire::Message& message) {
  if (!replica_) return;
  const auto leader = leader_address();
  if (const auto* join = std::get_if<wire::JoinRequest>(&message)) {
    if (!leader) return;  // it asks again
    wire::JoinReply reply;
    reply.request = join->request;
    reply.leader = leader;
    core_.links.send(link, wire::Message(std::move(reply)));
  } else if (const auto* raft_join = std::get_if<wire::RaftJoinRequest>(&message)) {
    if (!leader) return;
    wire::RaftJoinReply reply;
    reply.request = raft_join->request;
    reply.leader = leader;
    core_.links.send(link, wire::Message(std::move(reply)));
  } else if (!std::holds_alternative<wire::LeaveRequest>(message)) {
    wire::SessionRefused refused;
    if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&message)) refused.session = heartbeat->session;
    refused.reason = "this manager is not the leader";
    refused.leader = leader;
    core_.links.send(link, wire::Message(std::move(refused)));
  }
}

// ---- tasks and clients

void Node::Impl::on(const ports::TaskPrepared& event) {
  if (agent_) agent_->on_event(event);
}
void Node::Impl::on(const ports::TaskStarted& event) {
  if (agent_) agent_->on_event(event);
}
void Node::Impl::on(const ports::TaskExited& event) {
  if (agent_) agent_->on_event(event);
}

void Node::Impl::on(const ports::MeshProblems& event) {
  if (agent_) agent_->on_event(event);
}

void Node::Impl::on(ports::ApiAborted event) { router_.aborted(event.id); }

void Node::Impl::on_container_event(const agent::ContainerEvent& event) {
  ++container_events_;
  router_.api().observe(event, api_context());
}

std::optional<Address> Node::Impl::leader_address() {
  if (!replica_ || replica_->leader() == 0 || replica_->leader() == replica_->raft_id()) return std::nullopt;
  return replica_->address_of(replica_->leader());
}

std::optional<ports::LinkId> Node::Impl::agent_link(NodeId node) {
  if (node.empty() || !loops_) return std::nullopt;
  return loops_->dispatcher().link_of(node);
}

NodeId Node::Impl::node_of(TaskId task) {
  const auto stored = replica_ ? replica_->store().task(task) : nullptr;
  return stored ? stored->node_id : NodeId();
}

std::string Node::Impl::name_of_node(NodeId node) {
  const auto stored = replica_ ? replica_->store().node(node) : nullptr;
  return stored ? stored->display_name() : node.str();
}

void Node::Impl::log_news(ports::ApiId id, const docker::LogNews& news) {
  router_.api().log_news(id, news, api_context());
}

// This node's own object, as this node's store has it, is as it will stay until somebody wants otherwise.
bool Node::Impl::is_settled_in() {
  if (!replica_ || !core_.identity) return false;
  const auto own = replica_->store().node(core_.identity->node);
  if (!own || own->status.state != model::NodeState::ready || own->role != model::NodeRole::manager)
    return false;
  return !loops_ || loops_->dispatcher().is_settled(own->id);
}

void Node::Impl::answer(ports::ApiId id, const Result<docker::OperationResult>& result) {
  view_is_fresh_ = false;
  if (id != 0) router_.api().operation_done(id, result, api_context());
}

void Node::Impl::perform(ports::ApiId id, docker::Operation operation) {
  const docker::OperationResult done;
  if (const auto* init = std::get_if<docker::SwarmInit>(&operation)) return lifecycle_.init(id, *init);
  if (const auto* join = std::get_if<docker::SwarmJoin>(&operation)) return lifecycle_.join(id, *join);
  if (const auto* leave = std::get_if<docker::SwarmLeave>(&operation)) return lifecycle_.leave(id, *leave);
  if (const auto* local = std::get_if<docker::OpenLocalLogs>(&operation))
    return logs_.open_local(id, local->task, local->options);
  if (const auto* swarm = std::get_if<docker::OpenSwarmLogs>(&operation))
    return logs_.open_swarm(id, swarm->tasks, swarm->options);
  if (std::holds_alternative<docker::CloseLogs>(operation)) return logs_.close(id);
  if (const auto* signal = std::get_if<docker::SignalContainer>(&operation)) {
    core_.ports.runner.signal(signal->task, signal->signal);
  } else if (const auto* stop = std::get_if<docker::StopContainer>(&operation)) {
    core_.ports.mesh.task_stopping(stop->task);
    core_.ports.runner.stop(stop->task, stop->grace.value_or(model::kStopGracePeriod), stop->signal);
  } else if (const auto* image = std::get_if<docker::AddImage>(&operation)) {
    if (const auto added = core_.ports.runner.add_image(image->image); !added)
      return answer(id, added.error());
  } else if (const auto* transfer = std::get_if<docker::TransferLeadership>(&operation)) {
    return answer(id, hand_over(transfer->to));
  }
  answer(id, done);
}

Result<docker::OperationResult> Node::Impl::hand_over(NodeId to) {
  if (!loops_) return plain_error(Code::failed_precondition, "this manager is not the leader");
  std::uint64_t target = to.empty() ? replica_->successor() : 0;
  for (const auto& [raft_id, peer] : replica_->members())
    if (peer.node == to && raft_id != replica_->raft_id()) target = raft_id;
  if (target == 0) return plain_error(Code::not_found, "no other manager to hand leadership to");
  replica_->transfer_leadership(target);
  return docker::OperationResult{};
}

// ---- parts come and go

void Node::Impl::start_agent() {
  agent_ = std::make_unique<AgentPart>(core_, *this);
  const auto started = agent_->start();
  SWARM_CHECK(started.ok(), started.ok() ? "" : started.error().message);
}

void Node::Impl::stop_agent() { agent_.reset(); }

void Node::Impl::start_replica(std::unique_ptr<Replica> replica) { replica_ = std::move(replica); }

// The manager may be on the call stack: it is put away at the end of the round.
void Node::Impl::stop_replica() {
  step_down();
  replica_retired_ = true;
}

void Node::Impl::step_down() {
  if (!loops_) return;
  loops_.reset();
  membership_.reset();
  to_dispatcher_.clear();
  view_is_fresh_ = false;
  logs_.on_step_down();
  // Agents find the new leader by themselves once their link closes.
  for (const ports::LinkId link : std::exchange(sessions_, {}))
    if (const auto gone = core_.links.close(link)) link_gone(link, *gone);
  if (agent_) agent_->on_leader_changed();
}

// ---- orderly stop

void Node::Impl::shut_down(Instant now) {
  core_.now = now;
  shutting_down_ = true;
  if (loops_) replica_->transfer_leadership(replica_->successor());
  if (agent_) agent_->drain();
}

bool Node::Impl::stopped() const {
  return shutting_down_ && (!agent_ || agent_->worker().idle()) && core_.disk_idle();
}

Inspection Node::Impl::inspect() const {
  Inspection out;
  if (replica_) {
    out.raft = &replica_->raft();
    out.log = &replica_->log();
    out.store = &replica_->store();
    out.members = &replica_->members();
    out.removed = &replica_->removed();
    out.group = &replica_->group();
    out.raft_id = replica_->raft_id();
    out.writes_log = replica_->busy();
    out.is_manager = true;
    out.is_leader = loops_ != nullptr;
  }
  if (agent_) out.worker = &agent_->worker();
  if (core_.identity) {
    out.id = core_.identity->node;
    out.cluster = core_.identity->cluster;
  }
  out.state = lifecycle_.state();
  return out;
}

}  // namespace swarm::node
