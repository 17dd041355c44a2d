// What agents say: Register, Heartbeat, FeedAck, TaskReport; and links that close
// (swarmkit manager/dispatcher/dispatcher.go).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "dispatcher/state.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

// In tenths of a heartbeat period: heartbeats come up to a tenth later than that.
constexpr std::int64_t kSilentIn = 15;
constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

bool RegisterRate::take(Instant now) {
  const std::int64_t seconds = std::max<std::int64_t>((now - since_).ns, 0) / kSecond;
  taken_ = std::max<std::int64_t>(taken_ - seconds * kPerSecond, 0);
  since_ = taken_ == 0 ? now : since_ + Duration{seconds * kSecond};
  if (taken_ >= kAtOnce) return false;
  ++taken_;
  return true;
}

void Dispatcher::on_message(const store::Store& store, PeerLink link, const model::Principal& who,
                            const std::string& addr, const wire::Message& message, Instant now) {
  const NodeId node = who.node;
  if (const auto* hello = std::get_if<wire::Register>(&message)) {
    state_->on(store, link, node, addr, *hello, now);
  } else if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&message)) {
    state_->on(store, link, node, *heartbeat, now);
  } else if (const auto* ack = std::get_if<wire::FeedAck>(&message)) {
    state_->on(store, link, node, *ack, now);
  } else if (const auto* report = std::get_if<wire::TaskReport>(&message)) {
    state_->on(store, link, node, *report, now);
  } else {
    SWARM_CHECK(false, "message", message.index(), "is not for the dispatcher");
  }
}

void Dispatcher::State::on(const store::Store& store, PeerLink link, NodeId node, const std::string& addr,
                           const wire::Register& message, Instant now) {
  const auto found = peers.find(node);
  if (found == peers.end()) return refuse(store, link, node, 0, "node not found");
  Peer& peer = found->second;
  if (!peer.rate.take(now)) return refuse(store, link, node, 0, "this node registers too often", true);
  if (const auto why = objection(store, link, peer, addr, message, now); !why.empty())
    return refuse(store, link, node, 0, why, true);
  if (peer.session == 0 || peer.link != link || !peer.fresh) {
    end_session(peer);
    begin_session(peer, link, node);
    peer.proof = message.previous;
  }
  peer.heard = now;
  want_ready(store, node, addr, message.description);
  peer.expires = now + period * kGrace;
  peer.last_call = false;
  peer.gives_up = Instant::never();
  orphaning.erase(node);
  send_session(store, node, peer);
  peer.feed.start_over();
  attend(store, node, peer, now);
}

// One identity is one daemon. Its agent names its last session, which no copy of its data root knows; where
// it has lost that (it was restarted), the session of its past life falls silent: it gets the next one then.
std::string Dispatcher::State::objection(const store::Store& store, PeerLink link, const Peer& peer,
                                         const std::string& addr, const wire::Register& message,
                                         Instant now) const {
  if (auto wrong = model::out_of_bounds(message.description); !wrong.empty()) return wrong.front();
  if (peer.session == 0 || peer.link == link) return {};
  const bool comes_back = message.previous != 0 && (message.previous == peer.session ||
                                                    (peer.fresh && message.previous == peer.proof));
  if (comes_back || peer.heard + period * kSilentIn / 10 <= now) return {};
  if (SWARM_MISTAKE("dispatcher.lets-two-daemons-be-one-node")) return {};
  const auto stored = store.node(message.node);
  return "another daemon has this node's identity and is in session, from " +
         (stored ? stored->status.addr : std::string("?")) + "; this one speaks from " + addr +
         ". They have copies of one data root: stop one of them, give it an empty data root, and join it as "
         "a node of its own";
}

void Dispatcher::State::want_ready(const store::Store& store, NodeId node, const std::string& addr,
                                   model::NodeDescription description) {
  if (store.feature_level() < model::kTlsInfoSince && description.tls) {
    unsaid[node] = std::move(*description.tls);
    description.tls.reset();
  }
  model::NodeStep step;
  step.id = node;
  step.status = model::NodeStatus{model::NodeState::ready, "", addr};
  step.description = std::move(description);
  const auto stored = store.node(node);
  if (!is_settled(node) || !stored || changes(step, *stored)) wanted[node] = std::move(step);
}

// The level has risen: there is room now.
void Dispatcher::State::tell_unsaid(const store::Store& store) {
  if (store.feature_level() < model::kTlsInfoSince) return;
  for (auto& [node, tls] : std::exchange(unsaid, {})) {
    const auto stored = store.node(node);
    if (!stored) continue;
    model::NodeStep& step = wanted[node];
    step.id = node;
    if (!step.description) step.description = stored->description;
    step.description->tls = std::move(tls);
  }
}

Peer* Dispatcher::State::in_session(const store::Store& store, PeerLink link, NodeId node,
                                    std::uint64_t session, Instant now) {
  const auto found = peers.find(node);
  if (found != peers.end() && found->second.session == session && found->second.link == link &&
      session != 0) {
    found->second.fresh = false;
    found->second.heard = now;
    return &found->second;
  }
  const bool registered = found != peers.end() && found->second.session != 0;
  refuse(store, link, node, session, registered ? "session invalid" : "node not registered");
  return nullptr;
}

void Dispatcher::State::on(const store::Store& store, PeerLink link, NodeId node,
                           const wire::Heartbeat& message, Instant now) {
  Peer* peer = in_session(store, link, node, message.session, now);
  if (peer == nullptr) return;
  peer->expires = now + period * kGrace;
  peer->last_call = false;
  rearm(node, *peer);
  // Jitter, so that ten thousand agents do not speak at once.
  const Duration jitter = Duration::nanos(rng.between(-period.ns / 10, period.ns / 10));
  sends.push_back({link, wire::HeartbeatReply{message.session, period + jitter}});
}

// Acknowledged once it is in the store. A repeated report is simply applied again: it changes nothing.
void Dispatcher::State::on(const store::Store& store, PeerLink link, NodeId node,
                           const wire::TaskReport& message, Instant now) {
  if (in_session(store, link, node, message.session, now) == nullptr) return;
  Report report{node, message};
  for (auto& [id, status] : report.message.statuses) status = model::within_bounds(std::move(status));
  reports.push_back(std::move(report));
}

// What keeps a node from serving its ports becomes the node's message, which `docker node inspect` shows.
void Dispatcher::State::on(const store::Store& store, PeerLink link, NodeId node,
                           const wire::FeedAck& message, Instant now) {
  Peer* peer = in_session(store, link, node, message.session, now);
  if (peer == nullptr) return;
  peer->feed.on_ack(message, now);
  std::string said;
  for (const std::string& problem : message.problems)
    if (said.size() <= model::kLongestStatusText) said += (said.empty() ? "" : "; ") + problem;
  said = model::within_bounds(std::move(said));
  const model::NodeStatus status = status_of(store, node);
  if (status.state == model::NodeState::ready && status.message != said)
    want_status(store, node, model::NodeState::ready, said);
  attend(store, node, *peer, now);
  hear_farewells(store, node, now);
}

// `removed` only where the store says so for certain: the node will wipe itself.
void Dispatcher::State::refuse(const store::Store& store, PeerLink link, NodeId node, std::uint64_t session,
                               const std::string& reason, bool remarkable) {
  wire::SessionRefused refused;
  refused.session = session;
  refused.reason = reason;
  refused.remarkable = remarkable;
  if (const model::Cluster* cluster = store.cluster())
    refused.removed = std::ranges::find(cluster->removed_nodes, node) != cluster->removed_nodes.end();
  sends.push_back({link, std::move(refused)});
}

// A node gets its desired role if that is manager: it must ask to join the Raft group. A node that is demoted
// gets its observed role: it stays a manager until it is out of the group.
void Dispatcher::State::send_session(const store::Store& store, NodeId node, Peer& peer) {
  SWARM_CHECK(peer.session != 0, "node", node);
  const auto stored = store.node(node);
  wire::Session session;
  session.session = peer.session;
  session.heartbeat_period = period;
  const bool manager = stored && (stored->spec.desired_role == model::NodeRole::manager ||
                                  stored->role == model::NodeRole::manager);
  session.role = manager ? model::NodeRole::manager : model::NodeRole::worker;
  session.managers = managers;
  if (const model::Cluster* cluster = store.cluster(); cluster != nullptr && stored) {
    const auto& tls = stored->description.tls;
    if (tls && tls->trust_root != cluster->root_ca.cert_pem)
      session.root_cert_pem = cluster->root_ca.cert_pem;
    session.issuer = cluster->root_ca.wanted_issuer();
    session.renew_within = model::renewal_window(store.nodes().size());
  }
  session.version = store.version();
  session.ready = stored && stored->status.state == model::NodeState::ready && is_settled(node);
  peer.told_ready = session.ready;
  sends.push_back({peer.link, std::move(session)});
}

// Tells the agent that its node is READY in the store: an init or a join waits for that.
void Dispatcher::State::tell_if_ready(const store::Store& store, NodeId node) {
  const auto peer = peers.find(node);
  if (peer == peers.end() || peer->second.session == 0 || peer->second.told_ready) return;
  const auto stored = store.node(node);
  if (stored && stored->status.state == model::NodeState::ready && is_settled(node))
    send_session(store, node, peer->second);
}

// A link has one principal for as long as it is open, and a closed link ends its session.
void Dispatcher::State::begin_session(Peer& peer, PeerLink link, NodeId node) {
  SWARM_CHECK(peer.session == 0, "node", node, "is in session", peer.session);
  const bool is_free = links.emplace(link, node).second;
  SWARM_CHECK(is_free, "link", link, "of node", node, "is in a session of node", links.at(link));
  peer.session = rng.next() | 1;
  peer.link = link;
  peer.fresh = true;
  peer.told_ready = false;
  peer.feed = {};
}

void Dispatcher::State::end_session(Peer& peer) {
  if (peer.session == 0) return;
  const std::size_t ended = links.erase(peer.link);
  SWARM_CHECK(ended == 1, "session", peer.session, "has no link", peer.link);
  peer.session = 0;
  peer.link = 0;
}

void Dispatcher::State::attend(const store::Store& store, NodeId node, Peer& peer, Instant now) {
  if (peer.session != 0) {
    while (auto update = peer.feed.next(source(store), node, now)) {
      update->session = peer.session;
      sends.push_back({peer.link, std::move(*update)});
    }
  }
  rearm(node, peer);
}

void Dispatcher::State::rearm(NodeId node, Peer& peer) {
  const Instant next = peer.next_deadline();
  if (next == peer.armed) return;
  const bool was_armed = deadlines.erase({peer.armed, node}) == 1;
  SWARM_CHECK(was_armed == (peer.armed != Instant::never()), "node", node, "is due at", peer.armed.ns);
  peer.armed = next;
  if (next != Instant::never()) deadlines.insert({next, node});
}

void Dispatcher::on_link_closed(const store::Store& store, PeerLink link, Instant now) {
  const auto it = state_->links.find(link);
  if (it == state_->links.end()) return;
  const NodeId node = it->second;
  Peer& peer = state_->peers.at(node);
  SWARM_CHECK(peer.link == link, "node", node, "is on link", peer.link, "and not on", link);
  state_->end_session(peer);
  // One that is DOWN already (it left) stays so.
  if (state_->status_of(store, node).state == model::NodeState::ready && peer.turns_until <= now)
    state_->want_status(store, node, model::NodeState::disconnected,
                        "node is currently trying to find new manager");
  peer.expires = std::min(peer.expires, now + state_->period);
  state_->rearm(node, peer);
}

void Dispatcher::set_managers(std::vector<wire::ManagerPeer> managers) {
  if (managers == state_->managers) return;
  state_->managers = std::move(managers);
  state_->managers_changed = true;
}

}  // namespace swarm::dispatcher
