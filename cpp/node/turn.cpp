// The turn: what a node does each time it is woken, in this order and no other.
//
//   1. take the queued events, up to a budget
//   2. let the parts whose time has come act
//   3. run the parts until quiet: Raft's round (disk, peers, store) -> the leader's loops -> membership ->
//   the agent ->
//      this node's own stories -> the API
//   4. batches are on their way to the disk by then; what waits for one goes out when DiskDone comes
#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "node/impl.hpp"

namespace swarm::node {
namespace {

constexpr std::size_t kEventBudget = 4'096;
constexpr int kMaxRounds = 1'000;  // a part that is never quiet is a bug

}  // namespace

void Node::Impl::turn(Instant now) {
  core_.now = now;
  ++core_.meters.turns;
  take_events();
  run_deadlines();
  for (int round = 0; run_parts(); ++round) SWARM_CHECK(round < kMaxRounds, "the node does not come to rest");
}

void Node::Impl::take_events() {
  for (std::size_t taken = 0; taken < kEventBudget && !queue_.empty(); ++taken) {
    ports::Event event = std::move(queue_.front());
    queue_.pop_front();
    if (!std::holds_alternative<ports::ApiArrived>(event)) view_is_fresh_ = false;
    std::visit([this](auto&& one) { on(std::forward<decltype(one)>(one)); }, std::move(event));
  }
}

void Node::Impl::run_deadlines() {
  view_is_fresh_ = false;
  if (replica_) replica_->on_deadline();
  if (membership_) membership_->on_deadline();
  if (agent_) agent_->on_deadline();
  lifecycle_.on_deadline();
  logs_.on_deadline();
  router_.on_deadline();
}

bool Node::Impl::run_parts() {
  bool did = run_manager();
  did |= run_leader();
  if (agent_) did |= agent_->run();
  lifecycle_.run();
  view_is_fresh_ = false;
  did |= router_.run();
  if (replica_retired_) {
    replica_retired_ = false;
    replica_.reset();
    view_is_fresh_ = false;
    router_.on_replica_gone();
    if (agent_) agent_->on_leader_changed();
    did = true;
  }
  return did;
}

bool Node::Impl::run_manager() {
  view_is_fresh_ = false;
  if (!replica_) return false;
  const bool did = replica_->run();
  if (const model::FeatureLevel level = replica_->too_new(); level != 0) {
    stop_outdated(level, replica_->store().version());
    return true;
  }
  // First: what is said of a version of the store names the members as of that version.
  if (replica_->take_members_changed()) note_members();
  if (replica_->take_skipped()) router_.on_changes_skipped();
  // Before a change of leader: new loops start from a store that has these entries already.
  for (AppliedEntry& entry : replica_->take_applied()) deliver_applied(std::move(entry));
  if (replica_->take_leader_changed()) note_leader_change();
  for (const std::uint64_t context : replica_->take_reads()) router_.on_read_ready(context);
  return did;
}

// Observers first, then whoever waits for the outcome: an answer never speaks of what the loops have not
// seen.
void Node::Impl::deliver_applied(AppliedEntry entry) {
  if (loops_) loops_->observe(entry.changes);
  if (!entry.changes.changes.empty()) router_.on_changes(entry.changes);
  if (entry.request == 0) return;
  if (loops_ && loops_->settled(entry.request, entry.outcome)) return;
  if (membership_ && membership_->settled(entry.request, entry.outcome)) return;
  router_.on_applied(entry.request, entry.outcome);
}

void Node::Impl::note_leader_change() {
  view_is_fresh_ = false;
  if (replica_->leads() && !loops_) {
    loops_ = std::make_unique<LeaderLoops>(core_, *replica_);
    membership_ = std::make_unique<Membership>(core_, *replica_);
    note_members();
  } else if (!replica_->leads() && loops_) {
    step_down();
  }
  if (agent_) agent_->on_leader_changed();
  router_.on_leader_changed();
}

void Node::Impl::note_members() {
  std::vector<wire::ManagerPeer> peers;
  for (const auto& [id, peer] : replica_->members()) peers.push_back(peer);
  if (loops_) loops_->set_managers(peers);
  if (core_.identity && !peers.empty() && core_.identity->managers != peers) {
    core_.identity->managers = std::move(peers);
    core_.commit(save_identity(*core_.identity), {});
  }
}

bool Node::Impl::run_leader() {
  view_is_fresh_ = false;
  if (!loops_) return false;
  bool did = false;
  auto& dispatcher = loops_->dispatcher();
  while (!to_dispatcher_.empty() && core_.identity) {
    const wire::Message message = std::move(to_dispatcher_.front());
    to_dispatcher_.pop_front();
    dispatcher.on_message(replica_->store(), kLocalLink, core_.self(), core_.identity->advertise.host(),
                          message, core_.now);
    did = true;
  }
  did |= loops_->plan();
  for (auto& send : dispatcher.take_sends()) {
    did = true;
    if (send.link != kLocalLink) {
      core_.links.send(send.link, std::move(send.message));
    } else if (agent_) {
      agent_->on_message(kLocalLink, send.message);
    }
  }
  membership_->on_role_intents(loops_->take_role_intents());
  did |= membership_->run();
  return did;
}

// ---- what the API sees

void Node::Impl::refresh_local_view() {
  if (!std::exchange(view_is_fresh_, true)) show(local_, raft_view_);
}

void Node::Impl::show(docker::LocalNode& local, docker::RaftView& raft) const {
  local.state = lifecycle_.state();
  local.error = lifecycle_.error();
  local.control_available = replica_ != nullptr;
  local.is_leader = loops_ != nullptr;
  local.node = core_.identity ? core_.identity->node : NodeId();
  local.cluster = core_.identity ? core_.identity->cluster : ClusterId();
  local.node_addr = core_.identity ? core_.identity->advertise.host() : std::string();
  local.managers = core_.identity ? core_.identity->managers : std::vector<wire::ManagerPeer>();
  local.mesh_problems = agent_ ? agent_->mesh_problems() : std::vector<std::string>();
  raft = replica_ ? replica_->view() : docker::RaftView{};
  if (replica_ && replica_->leader() == 0 && local.error.empty()) local.error = docker::kNoLeaderText;
}

docker::Context Node::Impl::api_context() {
  refresh_local_view();
  return docker::Context{replica_ ? &replica_->store() : nullptr,
                         local_,
                         raft_view_,
                         agent_ ? &agent_->worker() : nullptr,
                         core_.ports.runner,
                         core_.ports.crypto,
                         core_.rng,
                         core_.now,
                         core_.wall(),
                         &inside_};
}

std::optional<docker::Answer> Node::Impl::look(const http::Request& request, Instant now, bool leaderless,
                                               const docker::LogSource& source) const {
  docker::LocalNode local = local_;
  docker::RaftView raft;
  show(local, raft);
  if (leaderless) raft.leader = 0;
  Rng rng = core_.rng;  // a copy: no chance is drawn
  const docker::Context context{replica_ ? &replica_->store() : nullptr,
                                local,
                                raft,
                                agent_ ? &agent_->worker() : nullptr,
                                core_.ports.runner,
                                core_.ports.crypto,
                                rng,
                                now,
                                core_.wall(),
                                &inside_};
  return router_.look(request, context, source);
}

Visible Node::Impl::visible() const {
  std::uint64_t shown = fold(kFnvStart, container_events_);
  shown = fold(shown, static_cast<std::uint64_t>(lifecycle_.state()) << 32 | lifecycle_.error().size());
  if (agent_) shown = fold(shown, agent_->mesh_problems().size());
  if (!replica_) return {shown, 0};
  return {fold(shown, replica_->visible_swarm()), replica_->visible_raft()};
}

Instant Node::Impl::next_deadline() const {
  Instant next = std::min({lifecycle_.next_deadline(), logs_.next_deadline(), router_.next_deadline()});
  if (!queue_.empty()) next = core_.now;
  if (replica_) next = std::min(next, replica_->next_deadline());
  if (loops_) next = std::min(next, loops_->next_deadline());
  if (membership_) next = std::min(next, membership_->next_deadline());
  if (agent_) next = std::min(next, agent_->next_deadline());
  return next;
}

}  // namespace swarm::node
