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
  if (manager_) manager_->on_deadline();
  if (membership_) membership_->on_deadline();
  if (agent_) agent_->on_deadline();
  ops_.on_deadline();
  logs_.on_deadline();
  door_.on_deadline();
}

bool Node::Impl::run_parts() {
  bool did = run_manager();
  did |= run_leader();
  if (agent_) did |= agent_->run();
  ops_.run();
  view_is_fresh_ = false;
  did |= door_.run();
  if (manager_retired_) {
    manager_retired_ = false;
    manager_.reset();
    view_is_fresh_ = false;
    door_.on_manager_gone();
    if (agent_) agent_->on_leader_changed();
    did = true;
  }
  return did;
}

bool Node::Impl::run_manager() {
  view_is_fresh_ = false;
  if (!manager_) return false;
  const bool did = manager_->run();
  // First: what is said of a version of the store names the members as of that version.
  if (manager_->take_members_changed()) note_members();
  if (manager_->take_skipped()) door_.on_changes_skipped();
  // Before a change of leader: new loops start from a store that has these entries already.
  for (AppliedEntry& entry : manager_->take_applied()) deliver_applied(std::move(entry));
  if (manager_->take_leader_changed()) note_leader_change();
  for (const std::uint64_t context : manager_->take_reads()) door_.on_read_ready(context);
  return did;
}

// Observers first, then whoever waits for the outcome: an answer never speaks of what the loops have not
// seen.
void Node::Impl::deliver_applied(AppliedEntry entry) {
  if (leadership_) leadership_->observe(entry.changes);
  if (!entry.changes.changes.empty()) door_.on_changes(entry.changes);
  if (entry.request == 0) return;
  if (leadership_ && leadership_->settled(entry.request, entry.outcome)) return;
  if (membership_ && membership_->settled(entry.request, entry.outcome)) return;
  door_.on_applied(entry.request, entry.outcome);
}

void Node::Impl::note_leader_change() {
  view_is_fresh_ = false;
  if (manager_->leads() && !leadership_) {
    leadership_ = std::make_unique<Leadership>(core_, *manager_);
    membership_ = std::make_unique<Membership>(core_, *manager_);
    note_members();
  } else if (!manager_->leads() && leadership_) {
    step_down();
  }
  if (agent_) agent_->on_leader_changed();
  door_.on_leader_changed();
}

void Node::Impl::note_members() {
  std::vector<wire::ManagerPeer> peers;
  for (const auto& [id, peer] : manager_->members()) peers.push_back(peer);
  if (leadership_) leadership_->set_managers(peers);
  if (core_.identity && !peers.empty() && core_.identity->managers != peers) {
    core_.identity->managers = std::move(peers);
    core_.commit(save_identity(*core_.identity), {});
  }
}

bool Node::Impl::run_leader() {
  view_is_fresh_ = false;
  if (!leadership_) return false;
  bool did = false;
  auto& dispatcher = leadership_->dispatcher();
  while (!to_dispatcher_.empty() && core_.identity) {
    const wire::Message message = std::move(to_dispatcher_.front());
    to_dispatcher_.pop_front();
    dispatcher.on_message(manager_->store(), kLocalLink, core_.self(), core_.identity->advertise.host(),
                          message, core_.now);
    did = true;
  }
  did |= leadership_->plan();
  for (auto& send : dispatcher.take_sends()) {
    did = true;
    if (send.link != kLocalLink) {
      core_.links.send(send.link, std::move(send.message));
    } else if (agent_) {
      agent_->on_message(kLocalLink, send.message);
    }
  }
  membership_->on_role_intents(leadership_->take_role_intents());
  did |= membership_->run();
  return did;
}

// ---- what the API sees

void Node::Impl::refresh_local_view() {
  if (!std::exchange(view_is_fresh_, true)) show(local_, raft_view_);
}

void Node::Impl::show(docker::LocalNode& local, docker::RaftView& raft) const {
  local.state = ops_.state();
  local.error = ops_.error();
  local.control_available = manager_ != nullptr;
  local.is_leader = leadership_ != nullptr;
  local.node = core_.identity ? core_.identity->node : NodeId();
  local.cluster = core_.identity ? core_.identity->cluster : ClusterId();
  local.node_addr = core_.identity ? core_.identity->advertise.host() : std::string();
  local.managers = core_.identity ? core_.identity->managers : std::vector<wire::ManagerPeer>();
  local.mesh_problems = agent_ ? agent_->mesh_problems() : std::vector<std::string>();
  raft = manager_ ? manager_->view() : docker::RaftView{};
  if (manager_ && manager_->leader() == 0 && local.error.empty()) local.error = docker::kNoLeaderText;
}

docker::Context Node::Impl::api_context() {
  refresh_local_view();
  return docker::Context{manager_ ? &manager_->store() : nullptr,
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
  const docker::Context context{manager_ ? &manager_->store() : nullptr,
                                local,
                                raft,
                                agent_ ? &agent_->worker() : nullptr,
                                core_.ports.runner,
                                core_.ports.crypto,
                                rng,
                                now,
                                core_.wall(),
                                &inside_};
  return door_.look(request, context, source);
}

Visible Node::Impl::visible() const {
  std::uint64_t shown = fold(kFnvStart, container_events_);
  shown = fold(shown, static_cast<std::uint64_t>(ops_.state()) << 32 | ops_.error().size());
  if (agent_) shown = fold(shown, agent_->mesh_problems().size());
  if (!manager_) return {shown, 0};
  return {fold(shown, manager_->visible_swarm()), manager_->visible_raft()};
}

Instant Node::Impl::next_deadline() const {
  Instant next = std::min({ops_.next_deadline(), logs_.next_deadline(), door_.next_deadline()});
  if (!queue_.empty()) next = core_.now;
  if (manager_) next = std::min(next, manager_->next_deadline());
  if (leadership_) next = std::min(next, leadership_->next_deadline());
  if (membership_) next = std::min(next, membership_->next_deadline());
  if (agent_) next = std::min(next, agent_->next_deadline());
  return next;
}

}  // namespace swarm::node
