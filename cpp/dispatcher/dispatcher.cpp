#include "dispatcher/dispatcher.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "dispatcher/farewells.hpp"
#include "dispatcher/feed.hpp"
#include "dispatcher/state.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

using model::NodeState;
using model::TaskState;

constexpr const char* kUnknownText = "Node moved to \"unknown\" state due to leadership change in cluster";

}  // namespace

bool changes(const model::NodeStep& step, const model::Node& node) {
  return (step.status && !(*step.status == node.status)) ||
         (step.description && !(*step.description == node.description));
}

Dispatcher::Dispatcher(Rng rng, Duration heartbeat_period)
    : state_(std::make_unique<State>(rng, heartbeat_period)) {}
Dispatcher::~Dispatcher() = default;
void Dispatcher::reseed(Rng rng) { state_->rng = rng; }

std::vector<Send> Dispatcher::take_sends() { return std::exchange(state_->sends, {}); }

std::optional<PeerLink> Dispatcher::link_of(NodeId node) const {
  const auto it = state_->peers.find(node);
  if (it == state_->peers.end() || it->second.session == 0) return std::nullopt;
  return it->second.link;
}

void Dispatcher::tell_facts(const store::Store& store, const std::vector<NodeId>& nodes) {
  for (const NodeId id : nodes)
    if (const auto it = state_->peers.find(id); it != state_->peers.end() && it->second.session != 0)
      state_->send_session(store, id, it->second);
}

bool Dispatcher::is_settled(NodeId node) const { return state_->is_settled(node); }

Instant Dispatcher::next_deadline() const {
  const Instant peer = state_->deadlines.empty() ? Instant::never() : state_->deadlines.begin()->first;
  return std::min(peer, state_->farewells.next_deadline());
}

// A new leader does not know which nodes are alive; each gets twice the grace period to register again.
void Dispatcher::start(const store::Store& store, Instant now, WallTime) {
  state_->mesh.start(store);
  state_->overlay.start(store);
  for (const auto& [id, node] : store.nodes()) {
    Peer& peer = state_->peers[id];
    if (node->status.state == NodeState::down) {
      peer.gives_up = now + model::kNodeDownToOrphaned;
    } else {
      state_->want_status(store, id, NodeState::unknown, kUnknownText);
      const bool at_once = SWARM_MISTAKE("dispatcher.gives-no-time-after-a-change-of-leader");
      peer.expires = now + state_->period * (at_once ? 0 : kGraceUnknown);
    }
    state_->rearm(id, peer);
  }
}

// ---- the store's changes

void Dispatcher::observe(const store::Store& store, const store::ChangeSet& changes, Instant now) {
  std::set<NodeId> touched;  // whose feeds have something to say: one update for the whole change set
  for (const auto& any : changes.changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) {
      state_->note(store, *task, touched, now);
      state_->mesh.note(store, *task);
      state_->overlay.note(store, *task);
    } else if (const auto* node = std::get_if<store::Change<model::Node>>(&any)) {
      state_->note(store, *node, now);
      state_->mesh.note(store, *node);
      state_->overlay.note(store, *node);
    } else if (const auto* service = std::get_if<store::Change<model::Service>>(&any)) {
      state_->mesh.note(store, *service);
      state_->overlay.note(store, *service);
    } else if (const auto* network = std::get_if<store::Change<model::Network>>(&any)) {
      state_->overlay.note(store, *network);
    } else if (const auto* cluster = std::get_if<store::Change<model::Cluster>>(&any)) {
      state_->note(store, *cluster, now);
      state_->mesh.note(*cluster);
    }
  }
  state_->note_for_all(store, state_->mesh.take_changed(), touched);
  state_->note_overlay(store, touched);
  for (const NodeId id : touched)
    if (const auto it = state_->peers.find(id); it != state_->peers.end())
      state_->attend(store, id, it->second, now);
}

// Rows of the mesh concern every node: a published port is open on all of them, and a node that was removed
// is let in by none.
void Dispatcher::State::note_for_all(const store::Store& store, const std::set<wire::FeedKey>& keys,
                                     std::set<NodeId>& touched) {
  if (keys.empty()) return;
  const FeedSource rows = source(store);
  for (const auto& [link, id] : links) {
    for (const auto& key : keys)
      if (rows.is_understood(id, key.kind)) peers.at(id).feed.note(key);
    touched.insert(id);
  }
}

void Dispatcher::State::note(const store::Store& store, const store::Change<model::Node>& change,
                             Instant now) {
  const NodeId id = change.latest().id;
  if (change.removed()) {
    const auto it = peers.find(id);
    if (it == peers.end()) return;
    if (it->second.session != 0)
      sends.push_back({it->second.link, wire::SessionRefused{it->second.session, "node removed", {}, true}});
    end_session(it->second);
    deadlines.erase({it->second.armed, id});
    peers.erase(it);
    SWARM_CHECK(deadlines.size() <= peers.size(), deadlines.size(), "deadlines of", peers.size(), "nodes");
    wanted.erase(id);
    orphaning.erase(id);
    unsaid.erase(id);
    return;
  }
  Peer& peer = peers[id];
  const bool down = change.after->status.state == NodeState::down;
  if (!down) {
    peer.gives_up = Instant::never();
  } else if (peer.gives_up == Instant::never()) {
    peer.gives_up = now + model::kNodeDownToOrphaned;
  }
  if (change.before && peer.session != 0 &&
      (change.before->role != change.after->role ||
       change.before->spec.desired_role != change.after->spec.desired_role)) {
    send_session(store, id, peer);
    peer.turns_until = now + period * kGrace;
  }
  rearm(id, peer);
}

// States that the agent reported itself are no news to it.
void Dispatcher::State::note(const store::Store& store, const store::Change<model::Task>& change,
                             std::set<NodeId>& touched, Instant now) {
  const NodeId node = change.latest().node_id;
  const bool was = change.before && change.before->node_id == node && is_for_agent(*change.before);
  const bool is = change.after && is_for_agent(*change.after);
  if (was && is && SWARM_MISTAKE("dispatcher.tells-no-new-wishes")) return;
  if (was == is && (!is || change.before->desired_state == change.after->desired_state)) return;
  Peer* peer = in_session(node);
  if (peer == nullptr || begin_farewell(store, change, now)) return;
  farewells.end(change.latest().id);
  peer->feed.note(wire::FeedKey::task(change.latest().id));
  touched.insert(node);
}

Peer* Dispatcher::State::in_session(NodeId node) {
  const auto it = peers.find(node);
  return it != peers.end() && it->second.session != 0 ? &it->second : nullptr;
}

// All agents hear of the new period at once: their next heartbeat may be as far away as the old period was
// long. So may be the end of the wait for a node that is away.
void Dispatcher::State::note(const store::Store& store, const store::Change<model::Cluster>& change,
                             Instant now) {
  if (!change.after) return;
  tell_unsaid(store);
  const Duration next = model::usable_heartbeat(change.after->spec.heartbeat_period);
  if (std::exchange(period, next) == next) return;
  for (auto& [id, peer] : peers) {
    const Instant grace = now + period * kGrace;
    if (peer.session != 0) {
      peer.expires = grace;
      send_session(store, id, peer);
    } else if (status_of(store, id).state != NodeState::down) {
      peer.expires = std::min(peer.expires, grace);
    }
    rearm(id, peer);
  }
}

// ---- node states

model::NodeStatus Dispatcher::State::status_of(const store::Store& store, NodeId node) const {
  for (const auto* steps : {&wanted, &wanted_in_flight}) {
    const auto it = steps->find(node);
    if (it == steps->end()) continue;
    if (const auto& status = it->second.status) return *status;
  }
  const auto stored = store.node(node);
  return stored ? stored->status : model::NodeStatus{};
}

void Dispatcher::State::want_status(const store::Store& store, NodeId node, NodeState state,
                                    const std::string& message) {
  model::NodeStatus status = status_of(store, node);
  status.state = state;
  status.message = message;
  model::NodeStep& step = wanted[node];
  step.id = node;
  step.status = std::move(status);
}

void Dispatcher::State::expire(const store::Store& store, NodeId node, Peer& peer, Instant now) {
  const NodeState state = status_of(store, node).state;
  end_session(peer);
  peer.expires = Instant::never();
  if (peer.gives_up == Instant::never()) peer.gives_up = now + model::kNodeDownToOrphaned;
  if (state == NodeState::down || SWARM_MISTAKE("dispatcher.marks-no-node-down")) return;
  want_status(
      store, node, NodeState::down,
      state == NodeState::unknown ? "heartbeat failure for node in \"unknown\" state" : "heartbeat failure");
}

// The leader itself slept (a paused process, a suspended machine): it could hear no node, so none is late.
void Dispatcher::State::forgive_if_slept(Instant now) {
  if (deadlines.empty() || deadlines.begin()->first + period >= now) return;
  for (auto& [node, peer] : peers) {
    if (peer.expires == Instant::never()) continue;
    peer.expires = std::max(peer.expires, now + period * kGrace);
    rearm(node, peer);
  }
}

// What the node said while the leader stood still may wait in the queue, behind what is handled now.
bool Dispatcher::State::waits_once_more(Peer& peer, Instant now) const {
  if (std::exchange(peer.last_call, true)) return false;
  peer.expires = now + period / 5;
  return true;
}

// A node whose time ends just when the leader goes on: no look at it comes late.
void Dispatcher::on_late_turn(Instant now) {
  for (auto& [node, peer] : state_->peers) {
    const bool just_now = now - peer.expires <= kOnTime && peer.expires - now <= state_->period / 5;
    if (just_now && state_->waits_once_more(peer, now)) state_->rearm(node, peer);
  }
}

void Dispatcher::State::run_deadlines(const store::Store& store, Instant now) {
  forgive_if_slept(now);
  while (!deadlines.empty() && deadlines.begin()->first <= now) {
    const NodeId node = deadlines.begin()->second;
    Peer& peer = peers.at(node);
    const bool is_late = now - peer.expires > kOnTime;
    if (peer.expires <= now && !(is_late && waits_once_more(peer, now))) expire(store, node, peer, now);
    if (peer.gives_up <= now) {
      peer.gives_up = Instant::never();
      orphaning.insert(node);
    }
    attend(store, node, peer, now);
    SWARM_CHECK(peer.armed > now, "node", node, "is due again at", peer.armed.ns);
  }
}

// ---- the next transaction

void Dispatcher::State::plan_nodes(const store::Store& store, model::Transaction& transaction) {
  while (!wanted.empty() && transaction.actions.size() < store::kMaxActions) {
    auto step = wanted.extract(wanted.begin());
    const auto node = store.node(step.key());
    if (!node || !changes(step.mapped(), *node)) {
      tell_if_ready(store, step.key());
      continue;
    }
    model::NodeStep action = step.mapped();
    if (action.description == node->description) action.description.reset();  // no news
    transaction.actions.push_back(std::move(action));
    wanted_in_flight.insert(std::move(step));
  }
}

// The node stays in the set until none of its tasks is left: a plan that fails is made again.
void Dispatcher::State::plan_orphans(const store::Store& store, model::Transaction& transaction,
                                     WallTime wall) {
  for (auto it = orphaning.begin();
       it != orphaning.end() && transaction.actions.size() < store::kMaxActions;) {
    bool left = false;
    for (const TaskId id : store.tasks_on_node(*it)) {
      const auto task = store.task(id);
      if (!is_for_agent(*task) || is_terminal(task->state())) continue;
      left = true;
      model::TaskStep step;
      step.id = id;
      step.status = task->status;
      step.status->state = TaskState::orphaned;
      step.status->timestamp = wall;
      transaction.actions.push_back(std::move(step));
    }
    it = left ? std::next(it) : orphaning.erase(it);
  }
}

void Dispatcher::State::plan_reports(const store::Store& store, model::Transaction& transaction) {
  while (!reports.empty() && transaction.actions.size() < store::kMaxActions) {
    Report& report = reports.front();
    for (const auto& [id, status] : report.message.statuses) {
      const auto task = store.task(id);
      if (!task || task->node_id != report.node) continue;
      const bool moved = model::may_still_stop(*task) && is_terminal(status.state);
      if (!moved && (status.state < task->state() || status == task->status)) continue;
      model::TaskStep step;
      step.id = id;
      step.status = moved ? model::moved_away(*task) : status;
      step.reported_by = report.node;
      transaction.actions.push_back(std::move(step));
    }
    reports_in_flight.push_back(std::move(report));
    reports.pop_front();
  }
}

void Dispatcher::State::acknowledge() {
  if (reports_in_flight.empty()) return;  // as at most turns: an empty deque is not free
  for (const Report& report : std::exchange(reports_in_flight, {})) {
    const auto peer = peers.find(report.node);
    if (peer != peers.end() && peer->second.session == report.message.session)
      sends.push_back(
          {peer->second.link, wire::TaskReportAck{report.message.session, report.message.sequence}});
  }
}

std::optional<model::Transaction> Dispatcher::plan(const store::Store& store, Instant now, WallTime wall) {
  State& state = *state_;
  SWARM_CHECK(state.wanted_in_flight.empty() && state.reports_in_flight.empty(),
              "the last plan is not settled");
  state.run_deadlines(store, now);
  for (const TaskId task : state.farewells.take_due(now)) state.tell_stop(store, task, now);
  if (std::exchange(state.managers_changed, false))
    for (auto& [node, peer] : state.peers)
      if (peer.session != 0) state.send_session(store, node, peer);
  model::Transaction transaction;
  state.plan_nodes(store, transaction);
  state.plan_orphans(store, transaction, wall);
  state.plan_reports(store, transaction);
  if (!transaction.empty()) return transaction;
  state.acknowledge();  // what they say is in the store already
  return std::nullopt;
}

void Dispatcher::settled(const store::Store& store, const model::Outcome& outcome, Instant) {
  State& state = *state_;
  if (outcome.applied) {
    state.acknowledge();
  } else {
    for (auto& [node, step] : state.wanted_in_flight) {
      if (!state.peers.contains(node)) continue;
      const auto [newer, inserted] = state.wanted.try_emplace(node, step);
      if (!newer->second.status) newer->second.status = step.status;
      if (!newer->second.description) newer->second.description = step.description;
    }
    state.reports.insert(state.reports.begin(), std::make_move_iterator(state.reports_in_flight.begin()),
                         std::make_move_iterator(state.reports_in_flight.end()));
    state.reports_in_flight.clear();
  }
  for (const auto& [node, step] : std::exchange(state.wanted_in_flight, {})) state.tell_if_ready(store, node);
}

}  // namespace swarm::dispatcher
