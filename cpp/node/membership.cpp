#include "node/membership.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "codec/codec.hpp"
#include "control/feature_level.hpp"
#include "control/join.hpp"
#include "control/role_manager.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/certificates.hpp"
#include "node/links.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

constexpr Duration kDialPatience = Duration::seconds(5);
constexpr Duration kLook = Duration::millis(50);
constexpr Duration kTellWait = Duration::seconds(2);  // of a removal that waits

// The same request gives the same node, whichever leader answers: a frame that comes twice makes no second
// node.
NodeId node_id_for(ports::Crypto& crypto, ClusterId cluster, std::uint64_t request) {
  std::string words = "join " + cluster.str() + " ";
  put_u64(words, request);
  const std::string digest = crypto.sha256(words);
  return NodeId(static_cast<Uint128>(get_u64(digest)) << 64 | get_u64(digest, 8));
}

// A Raft id names one life of one member: a node that lost its Raft state comes back under a new id, else it
// could vote twice. The same request gives the same id, whichever leader answers; another request means that
// the node began anew.
std::uint64_t raft_id_for(ports::Crypto& crypto, NodeId node, std::uint64_t request) {
  std::string words = "raft " + node.str() + " ";
  put_u64(words, SWARM_MISTAKE("node.gives-a-raft-id-twice") ? 0 : request);
  return (get_u64(crypto.sha256(words)) >> 1) | 1;
}

std::string joined(const std::vector<std::string>& names, const char* by) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : by) + name;
  return out;
}

}  // namespace

void Membership::on_message(const Speaker& from, const wire::Message& message) {
  const auto& [link, who] = from;
  if (const auto* join = std::get_if<wire::JoinRequest>(&message)) {
    on_join(link, *join);
  } else if (const auto* raft_join = std::get_if<wire::RaftJoinRequest>(&message)) {
    on_raft_join(link, who.node, *raft_join);
  } else if (const auto* leave = std::get_if<wire::LeaveRequest>(&message)) {
    on_leave(link, who.node, *leave);
  } else if (const auto* certificate = std::get_if<wire::CertificateRequest>(&message)) {
    core_.links.send(link, wire::Message(certify(who.node, *certificate)));
  }
}

std::vector<wire::ManagerPeer> Membership::managers() const {
  std::vector<wire::ManagerPeer> peers;
  for (const auto& [id, peer] : replica_.members()) peers.push_back(peer);
  return peers;
}

std::uint64_t Membership::raft_id_of(NodeId node) const {
  for (const auto& [id, peer] : replica_.members())
    if (peer.node == node) return id;
  return 0;
}

// ---- joining as a node

// Wrong tokens are counted before anything else is looked at. The certificate is made before the node is: a
// request that cannot be signed makes no node.
void Membership::on_join(ports::LinkId link, const wire::JoinRequest& message) {
  const store::Store& store = replica_.store();
  const Address* remote = core_.links.remote(link);
  const std::string host = remote != nullptr ? remote->host() : std::string();
  const auto role = check_token(host, message.token);
  if (!role) return answer_join(link, message.request, NodeId(), role.error());
  const NodeId id = node_id_for(core_.ports.crypto, store.cluster()->id, message.request);
  for (const auto& [proposal, pending] : joins_)
    if (pending.node == id) return;
  auto joining = control::join_node(store, id, message, host);
  if (!joining) return answer_join(link, message.request, NodeId(), joining.error());
  auto certificate = issue(id, *role, message.certificate_request_pem);
  if (!certificate || store.node(id)) return answer_join(link, message.request, id, std::move(certificate));
  if (const std::uint64_t proposal = replica_.propose(std::move(*joining)); proposal != 0)
    joins_[proposal] = {link, message.request, id, std::move(*certificate)};
}

Result<model::NodeRole> Membership::check_token(const std::string& host, const std::string& token) {
  // 128 bits cannot be guessed: a right token is taken however many wrong ones come.
  if (const auto role = control::role_of_token(*replica_.store().cluster(), token)) return *role;
  if (!guard_.may_try(host, core_.now))
    return Error{Code::resource_exhausted, "too many join tokens were wrong",
                 "wait some seconds; `docker swarm join-token` at a manager shows the right one", false, 0};
  guard_.failed(host, core_.now);
  return rpc_error(Code::invalid_argument, "A valid join token is necessary to join this cluster");
}

Result<std::string> Membership::issue(NodeId node, model::NodeRole role, const std::string& request_pem) {
  const model::Cluster& cluster = *replica_.store().cluster();
  const WallTime made = ca::made_at(core_.wall(), replica_.newest_time());
  const auto says = ca::to_issue(node, role, cluster.id, cluster.spec.ca.node_cert_expiry, made);
  return sign(core_.ports.crypto, cluster.root_ca, request_pem, says);
}

wire::CertificateReply Membership::certify(NodeId id, const wire::CertificateRequest& message) {
  wire::CertificateReply reply;
  reply.request = message.request;
  const auto node = replica_.store().node(id);
  if (!node) {
    reply.error =
        rpc_error(Code::not_found, "node " + id.str() + " not found when attempting to renew certificate");
    return reply;
  }
  auto certificate = issue(id, ca::role_of(*node), message.certificate_request_pem);
  if (certificate) {
    reply.certificate_pem = std::move(*certificate);
  } else {
    reply.error = certificate.error();
  }
  return reply;
}

void Membership::answer_join(ports::LinkId link, std::uint64_t request, NodeId node,
                             Result<std::string> certificate) {
  wire::JoinReply reply;
  reply.request = request;
  if (!certificate) reply.error = certificate.error();
  reply.root_cert_pem = replica_.store().cluster()->root_ca.cert_pem;
  if (const auto stored = replica_.store().node(node); stored && certificate) {
    reply.cluster = replica_.store().cluster()->id;
    reply.node = node;
    reply.role = stored->spec.desired_role;
    reply.managers = managers();
    reply.certificate_pem = std::move(*certificate);
  }
  core_.links.send(link, wire::Message(std::move(reply)));
}

bool Membership::settled(std::uint64_t request, const model::Outcome& outcome) {
  if (request == raising_) {
    raising_ = 0;
    return true;
  }
  if (const auto it = joins_.find(request); it != joins_.end()) {
    PendingJoin join = std::move(it->second);
    joins_.erase(it);
    Result<std::string> certificate(std::move(join.certificate_pem));
    if (!outcome.applied) certificate = rpc_error(Code::unknown, outcome.error);
    answer_join(join.link, join.request, join.node, std::move(certificate));
    return true;
  }
  if (const auto it = leaves_.find(request); it != leaves_.end()) {
    // Refused: the node changed meanwhile. The leaver asks again.
    if (outcome.applied) core_.links.send(it->second.first, wire::Message(it->second.second));
    leaves_.erase(it);
    return true;
  }
  return false;
}

// ---- joining the Raft group

void Membership::on_raft_join(ports::LinkId link, NodeId id, const wire::RaftJoinRequest& message) {
  const auto node = replica_.store().node(id);
  const std::uint64_t raft_id = raft_id_for(core_.ports.crypto, id, message.request);
  Joiner joiner{link, message.request, {id, raft_id, message.address}, false, core_.now + kDialPatience};
  if (!node || node->spec.desired_role != model::NodeRole::manager)
    return answer_raft_join(
        joiner,
        plain_error(Code::permission_denied, "node " + id.str() + " is not to be a manager of this swarm"));
  if (const auto may = may_manage(id); !may) return answer_raft_join(joiner, may.error());
  if (replica_.members().contains(raft_id)) return answer_raft_join(joiner, std::nullopt);
  if (replica_.was_removed(raft_id))
    return answer_raft_join(
        joiner, plain_error(Code::failed_precondition,
                            "node " + id.str() + " was taken out of the Raft group meanwhile: ask anew"));
  if (const auto it = joiners_.find(id); it != joiners_.end()) joiner.give_up = it->second.give_up;
  take_out(raft_id_of(id));
  joiner.reachable = core_.links.is_open_to(message.address);
  if (!joiner.reachable) core_.links.to(message.address, core_.now);
  joiners_[id] = joiner;
  wake_ = core_.now;
}

Result<void> Membership::may_manage(NodeId id) const {
  const auto node = replica_.store().node(id);
  if (!node) return {};
  return control::may_manage(node->display_name(), node->description.feature_level,
                             replica_.store().feature_level());
}

void Membership::answer_raft_join(const Joiner& joiner, std::optional<Error> error) {
  wire::RaftJoinReply reply;
  reply.request = joiner.request;
  reply.error = std::move(error);
  if (!reply.error) {
    reply.raft_id = joiner.peer.raft_id;
    reply.members = managers();
  }
  core_.links.send(joiner.link, wire::Message(std::move(reply)));
}

void Membership::on_link_opened(const Address& outbound) {
  for (auto& [node, joiner] : joiners_)
    if (joiner.peer.address == outbound) joiner.reachable = true;
  wake_ = core_.now;
}

void Membership::on_link_gone(const LinkGone& event) {
  if (!event.gone.outbound) return;
  for (auto& [node, joiner] : joiners_)
    if (joiner.peer.address == *event.gone.outbound) joiner.reachable = false;
}

// ---- leaving

// The answer goes to the manager when the group is without it: what the manager forgets then counts in no
// majority.
void Membership::on_leave(ports::LinkId link, NodeId id, const wire::LeaveRequest& message) {
  const std::uint64_t raft_id = raft_id_of(id);
  if (raft_id == 0) return put_left(link, message.request, id);
  const auto known = leavers_.find(id);
  const bool again = known != leavers_.end() && known->second.request == message.request;
  const Instant give_up = again ? known->second.give_up : core_.now + kTellWait;
  leavers_[id] = {link, message.request, raft_id, give_up};
  take_out(raft_id);
  wake_ = core_.now;
}

void Membership::put_left(ports::LinkId link, std::uint64_t request, NodeId id) {
  wire::LeaveReply reply;
  reply.request = request;
  const auto node = replica_.store().node(id);
  if (!node) {
    core_.links.send(link, wire::Message(std::move(reply)));
    return;
  }
  model::Node left = *node;
  left.status.state = model::NodeState::down;
  left.status.message = "the node left the swarm";
  left.spec.desired_role = model::NodeRole::worker;
  left.role = model::NodeRole::worker;
  left.manager.reset();
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(left)});
  if (const std::uint64_t proposal = replica_.propose(std::move(transaction)); proposal != 0)
    leaves_[proposal] = {link, reply};
}

// One whose change is under way is not refused any more: it may be committed yet.
void Membership::see_leavers_off() {
  for (auto it = leavers_.begin(); it != leavers_.end();) {
    const auto& [id, leaver] = *it;
    if (raft_id_of(id) == 0) {
      put_left(leaver.link, leaver.request, id);
    } else if (leaver.give_up <= core_.now && !replica_.raft().conf_change_pending()) {
      wire::LeaveReply refused;
      refused.request = leaver.request;
      refused.error = cannot_leave(leaver);
      core_.links.send(leaver.link, wire::Message(std::move(refused)));
    } else {
      ++it;
      continue;
    }
    it = leavers_.erase(it);
  }
}

Error Membership::cannot_leave(const Leaver& leaver) const {
  const std::string silent = joined(replica_.silent_without(leaver.raft_id), ", ");
  return plain_error(Code::failed_precondition,
                     replica_.name_of(leaver.raft_id) +
                         " cannot leave now: without it a majority of the managers "
                         "must answer, and no answer comes from " +
                         silent +
                         ". Start again what is down, or take it out of "
                         "the group first: docker node demote " +
                         silent);
}

void Membership::on_role_intents(const std::vector<control::RoleIntent>& intents) {
  for (const auto& intent : intents) take_out(raft_id_of(intent.node));
  if (!intents.empty()) wake_ = core_.now;
}

// ---- changes of the group, one at a time

bool Membership::propose(raft::ConfChangeType type, std::uint64_t raft_id, const wire::ManagerPeer& peer) {
  SWARM_CHECK(!replica_.raft().conf_change_pending(), "member", raft_id, "changes beside another");
  raft::ConfChangeV2 change;
  change.changes.push_back({type, raft_id, codec::encode(peer)});
  return replica_.propose_membership(change);
}

bool Membership::run() {
  if (!replica_.leads()) return leavers_.clear(), false;  // they ask the next leader
  see_leavers_off();
  const bool asked = ask_those_that_stay();
  // The level rises between two changes of the group: all its members know it then.
  if (replica_.raft().conf_change_pending() || raising_ != 0) return asked;
  return raise_level() || remove_members() || change_joiners() || promote_learners() || asked;
}

bool Membership::raise_level() {
  const model::Build& build = core_.options.build;
  if (replica_.store().feature_level() >= build.feature_level) return false;
  auto raise = control::raise_level(replica_.store(), build, replica_.member_nodes());
  if (!raise) return false;
  raising_ = replica_.propose(std::move(*raise));
  return raising_ != 0;
}

void Membership::take_out(std::uint64_t raft_id) {
  if (raft_id != 0 && removals_.emplace(raft_id, core_.now).second) asks_ = core_.now;
}

// Asks which of the voters are there, again and again while one of them is to go. Returns true if it did.
bool Membership::ask_those_that_stay() {
  if (core_.now < asks_) return false;
  const bool wanted = std::ranges::any_of(
      removals_, [&](const auto& removal) { return replica_.voters().contains(removal.first); });
  if (!wanted) return false;
  asks_ = core_.now + kLook;
  replica_.ask_all();
  return true;
}

// Of the voters that stay a majority must have answered what they were asked a moment ago: a group whose
// majority has died could commit nothing any more. Until then the member stays, and so does the group.
bool Membership::remove_members() {
  for (auto it = removals_.begin(); it != removals_.end();) {
    const std::uint64_t raft_id = it->first;
    const auto member = replica_.members().find(raft_id);
    const auto node =
        member == replica_.members().end() ? nullptr : replica_.store().node(member->second.node);
    const auto successor = node ? joiners_.find(node->id) : joiners_.end();
    const bool superseded = successor != joiners_.end() && successor->second.peer.raft_id != raft_id;
    const bool leaves = node && leavers_.contains(node->id);
    const bool wanted_again =
        node && node->spec.desired_role == model::NodeRole::manager && !superseded && !leaves;
    if (member == replica_.members().end() || wanted_again) {
      it = removals_.erase(it);
      continue;
    }
    const bool unsafe = replica_.voters().contains(raft_id) && !replica_.hears_majority_without(raft_id);
    if (unsafe && !SWARM_MISTAKE("node.demotes-without-a-fresh-majority")) {
      wake_ = core_.now + kLook;
      ++it;
      continue;
    }
    if (raft_id == replica_.raft_id()) {
      if (replica_.voters().size() < 2) return false;  // the group would have no leader
      // The next leader removes this member (swarmkit manager/role_manager.go).
      replica_.transfer_leadership(replica_.successor());
      wake_ = core_.now + kLook;
      return false;
    }
    if (propose(raft::ConfChangeType::remove_node, raft_id, member->second)) return true;
    ++it;
  }
  return false;
}

// A majority usually answers within a round trip. A demotion that waits longer is listed here: its client has
// its answer already.
std::vector<std::string> Membership::waits() const {
  std::vector<std::string> out;
  for (const auto& [raft_id, since] : removals_) {
    if (core_.now < since + kTellWait || !replica_.voters().contains(raft_id)) continue;
    if (replica_.hears_majority_without(raft_id)) continue;
    const std::vector<std::string> silent = replica_.silent_without(raft_id);
    out.push_back(
        replica_.name_of(raft_id) +
        " stays a manager for now: without it a majority of the managers must answer, and no answer "
        "comes from " +
        joined(silent, ", ") + ". Start again what is down, or take it out of the group as well: " +
        "docker node demote " + joined(silent, " "));
  }
  return out;
}

bool Membership::change_joiners() {
  for (auto it = joiners_.begin(); it != joiners_.end();) {
    const Joiner& joiner = it->second;
    if (replica_.members().contains(joiner.peer.raft_id)) {
      answer_raft_join(joiner, std::nullopt);
      it = joiners_.erase(it);
    } else if (const auto may = may_manage(joiner.peer.node); !may) {
      answer_raft_join(joiner, may.error());
      it = joiners_.erase(it);
    } else if (joiner.reachable && raft_id_of(joiner.peer.node) == 0) {  // a past life is removed first
      return propose(raft::ConfChangeType::add_learner_node, joiner.peer.raft_id, joiner.peer);
    } else {
      ++it;
    }
  }
  return false;
}

// A learner that has caught up becomes a voter: one that is there and has acknowledged something. A voter
// that does not answer can cost the group its quorum.
bool Membership::promote_learners() {
  const auto& peers = replica_.raft().progress();
  for (const std::uint64_t id : replica_.learners()) {
    const auto progress = peers.find(id);
    const bool ready = progress != peers.end() && progress->second.recent_active &&
                       progress->second.match != 0 && progress->second.match + 16 >= replica_.raft().commit();
    if (!ready && !SWARM_MISTAKE("node.promotes-learners-that-lag")) continue;
    const auto member = replica_.members().find(id);
    if (member != replica_.members().end())
      return propose(raft::ConfChangeType::add_node, id, member->second);
  }
  return false;
}

void Membership::on_deadline() {
  if (wake_ > core_.now) return;
  for (auto it = joiners_.begin(); it != joiners_.end();) {
    if (it->second.give_up > core_.now || it->second.reachable) {
      if (!it->second.reachable) core_.links.to(it->second.peer.address, core_.now);
      ++it;
      continue;
    }
    answer_raft_join(
        it->second,
        rpc_error(Code::failed_precondition,
                  "could not connect to prospective new cluster member using its advertised address: " +
                      it->second.peer.address.str()));
    it = joiners_.erase(it);
  }
  const bool waiting =
      !joiners_.empty() || !leavers_.empty() || !removals_.empty() || !replica_.learners().empty();
  wake_ = waiting ? core_.now + kLook : Instant::never();
}

}  // namespace swarm::node
