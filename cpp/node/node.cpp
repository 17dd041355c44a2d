// The public face, a node's start and its orderly stop. Events are in events.cpp, the turn is in turn.cpp.
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
Visible Node::visible() const { return impl_->visible(); }
void Node::reseed(std::uint64_t seed) { impl_->reseed(seed); }
docker::Looked Node::look(const http::Request& request, Instant now, bool leaderless,
                          const docker::Learnt& learnt) const {
  return impl_->look(request, now, leaderless, learnt);
}
docker::Answer Node::without_leader() {
  docker::Answer answer = docker::Api::refusal(ApiRouter::no_leader());
  ApiRouter::say_nothing_done(answer.head);
  return answer;
}

Node::Impl::Impl(NodeOptions options, ports::Ports ports)
    : core_(std::move(options), ports),
      refusals_(core_),
      router_(core_.rng),
      lifecycle_(core_.options, core_.identity, core_.rng, core_.ports.crypto) {
  core_.links.set_source(core_.options.address);
  core_.options.description.feature_level = core_.options.build.feature_level;
  local_.description = core_.options.description;
  local_.hostname = core_.options.description.hostname;
  local_.data_root = core_.options.data_root;
  local_.operating_system = core_.options.operating_system;
  local_.os_version = core_.options.os_version;
  local_.kernel_version = core_.options.kernel_version;
  local_.engine_labels = core_.options.description.engine_labels;
}

Node::Impl::~Impl() {
  if (agent_) core_.ports.mesh.leave();
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
  lifecycle_.resume();
  if (const auto replica = start_replica(); !replica) return replica;
  core_.links.set_hello(core_.hello());
  return start_agent();
}

Result<void> Node::Impl::start_replica() {
  const std::uint64_t raft_id = core_.identity->raft_id;
  // Raft state without a Raft id (an unfinished join, a past membership) is of no use: no node may speak for
  // it.
  if (raft_id == 0 && core_.ports.disk.has_manager_state()) core_.ports.disk.wipe_manager();
  if (raft_id == 0) return {};
  if (!core_.ports.disk.has_manager_state())
    return plain_error(Code::data_loss,
                       "the data root is corrupt: this node is a manager, but its Raft state is "
                       "gone; restore it from a copy, or start with an empty data root and join again");
  if (const auto level = stored_level(core_.ports.disk); level > core_.options.build.feature_level) {
    stop_outdated(level, stored_version(core_.ports.disk));
    return {};
  }
  auto replica = Replica::load(core_);
  if (!replica) return replica.error();
  // Where it listened before; the address may be taken meanwhile.
  if (core_.identity->role == model::NodeRole::manager)
    if (const auto listening = core_.ports.transport.listen(core_.identity->listen); !listening)
      return listening;
  replica_ = std::move(*replica);
  if (replica_->voters() == std::set<std::uint64_t>{replica_->raft_id()}) replica_->campaign();
  return {};
}

// To the other members it is as if it were down. Its agent goes on, and asks them for its session.
void Node::Impl::stop_outdated(model::FeatureLevel level, std::uint64_t version) {
  Outdated outdated{control::too_old(core_.options.build.feature_level, level), version};
  core_.trace("warning.outdated", [&] { return outdated.why; });
  lifecycle_.on_outdated(std::move(outdated));
  if (!replica_) return;
  carry_out(effect::StopReplica{});
  core_.ports.transport.stop_listening();
  close_links();
}

Result<void> Node::Impl::start_agent() {
  agent_ = std::make_unique<AgentPart>(core_.next_life(), *core_.identity, core_.options.description,
                                       core_.rng.fork());
  auto started = agent_->start(core_.ports.disk, core_.identity->cluster, times());
  settle_agent();
  return started;
}

void Node::Impl::reseed(std::uint64_t seed) {
  core_.rng = Rng(seed);
  core_.links.reseed(core_.rng.fork());
  if (agent_) agent_->worker().reseed(core_.rng.fork());
  if (replica_) replica_->reseed(core_.rng.next());
  if (leader_) leader_->loops.reseed(core_.rng);
}

// ---- orderly stop

void Node::Impl::shut_down(Instant now) {
  core_.now = now;
  shutting_down_ = true;
  if (leader_) replica_->transfer_leadership(replica_->successor());
  if (agent_) agent_->drain(times());
}

bool Node::Impl::stopped() const {
  return shutting_down_ && (!agent_ || agent_->worker().idle()) && core_.disk_idle();
}

}  // namespace swarm::node
