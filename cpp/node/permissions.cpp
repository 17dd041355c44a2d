#include "node/permissions.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <variant>

#include "base/time.hpp"
#include "ca/policy.hpp"
#include "codec/codec.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

// The first piece of a snapshot on a link carries the Raft message; those that follow it belong to it by
// their link. A message that cannot be read has no sender.
std::optional<RaftEnds> ends_of(const wire::SnapshotChunk& chunk) {
  if (chunk.number != 0 && chunk.message.empty()) return std::nullopt;
  const auto message = codec::decode_raft_message(chunk.message);
  return message ? RaftEnds{message->from, message->to} : RaftEnds{};
}

// No default: a new message without a row does not compile.
struct Table {
  using P = Permission;

  // A node outside the swarm may ask for its root and to join, and be answered.
  P operator()(const wire::RootRequest&) const {
    return {"RootRequest", Sender::anyone, Way::asks, Part::lifecycle};
  }
  P operator()(const wire::RootReply&) const {
    return {"RootReply", Sender::anyone, Way::answers, Part::lifecycle};
  }
  P operator()(const wire::JoinRequest&) const {
    return {"JoinRequest", Sender::anyone, Way::asks, Part::membership};
  }
  P operator()(const wire::JoinReply&) const {
    return {"JoinReply", Sender::anyone, Way::answers, Part::lifecycle};
  }

  // What a member asks for itself.
  P operator()(const wire::CertificateRequest&) const {
    return {"CertificateRequest", Sender::member, Way::asks, Part::membership, {}, {}, false, true};
  }
  P operator()(const wire::CertificateReply&) const {
    return {"CertificateReply", Sender::manager, Way::answers, Part::lifecycle};
  }
  P operator()(const wire::RaftJoinRequest& m) const {
    return {"RaftJoinRequest", Sender::coming_manager, Way::asks, Part::membership, m.node};
  }
  P operator()(const wire::RaftJoinReply&) const {
    return {"RaftJoinReply", Sender::manager, Way::answers, Part::lifecycle};
  }
  P operator()(const wire::LeaveRequest& m) const {
    return {"LeaveRequest", Sender::member, Way::asks, Part::membership, m.node, {}, true};
  }
  P operator()(const wire::LeaveReply&) const {
    return {"LeaveReply", Sender::manager, Way::answers, Part::lifecycle};
  }

  // Agents. What names a session is checked by the dispatcher: it must be the sender's, on this very link.
  P operator()(const wire::Register& m) const {
    return {"Register", Sender::member, Way::asks, Part::dispatcher, m.node, {}, true};
  }
  P operator()(const wire::Heartbeat&) const {
    return {"Heartbeat", Sender::member, Way::asks, Part::dispatcher};
  }
  P operator()(const wire::FeedAck&) const {
    return {"FeedAck", Sender::member, Way::asks, Part::dispatcher};
  }
  P operator()(const wire::TaskReport&) const {  // of the sender's tasks: see the dispatcher's plan_reports
    return {"TaskReport", Sender::member, Way::asks, Part::dispatcher};
  }
  P operator()(const wire::LogChunk&) const {  // of the tasks that were asked of this link: see LogHub
    return {"LogChunk", Sender::member, Way::asks, Part::logs};
  }

  // What the leader says to agents.
  P operator()(const wire::Session&) const { return {"Session", Sender::manager, Way::answers, Part::agent}; }
  P operator()(const wire::SessionRefused&) const {
    return {"SessionRefused", Sender::manager, Way::answers, Part::agent};
  }
  P operator()(const wire::HeartbeatReply&) const {
    return {"HeartbeatReply", Sender::manager, Way::answers, Part::agent};
  }
  P operator()(const wire::FeedUpdate&) const {
    return {"FeedUpdate", Sender::manager, Way::answers, Part::agent};
  }
  P operator()(const wire::TaskReportAck&) const {
    return {"TaskReportAck", Sender::manager, Way::answers, Part::agent};
  }
  P operator()(const wire::LogSubscribe&) const {
    return {"LogSubscribe", Sender::manager, Way::answers, Part::logs};
  }
  P operator()(const wire::LogUnsubscribe&) const {
    return {"LogUnsubscribe", Sender::manager, Way::answers, Part::logs};
  }

  // Between managers. A request that is passed on belongs to the link that it came on.
  P operator()(const wire::ApiForward&) const {
    return {"ApiForward", Sender::manager, Way::asks, Part::api};
  }
  P operator()(const wire::ApiCancel&) const { return {"ApiCancel", Sender::manager, Way::asks, Part::api}; }
  P operator()(const wire::ApiReplyHead&) const {
    return {"ApiReplyHead", Sender::manager, Way::answers, Part::api};
  }
  P operator()(const wire::ApiReplyBody&) const {
    return {"ApiReplyBody", Sender::manager, Way::answers, Part::api};
  }
  P operator()(const wire::SnapshotChunk& m) const {
    return {"SnapshotChunk", Sender::manager, Way::asks, Part::replica, {}, ends_of(m)};
  }
  P operator()(const wire::SnapshotAck&) const {
    return {"SnapshotAck", Sender::manager, Way::answers, Part::replica};
  }
  P operator()(const raft::Message& m) const {
    return {"Raft", Sender::manager, Way::asks, Part::replica, {}, RaftEnds{m.from, m.to}};
  }
  P operator()(const wire::Message& message) const { return std::visit(*this, message); }
};

constexpr std::array<DenialRow, kDenials> kDenialRows{{
    {"stranger", "the peer has no certificate", true, true},
    {"another_swarm", "the peer is in another swarm", false, true},
    {"role", "the peer is no manager", true, true},
    {"unknown_manager", "the peer says that it is a manager, and is no member of the Raft group", false,
     true},
    {"subject", "it speaks for another node", true, true},
    {"direction", "nobody asked for it on this link", true, true},
    {"stale", "the peer is behind: it speaks as or to a past member of the Raft group", false, false},
    {"rule", "it breaks a rule", true, true},
    {"removed", "the peer was removed from the swarm", true, true},
    // Its link stays: the next certificate comes on it.
    {"expired", "the peer's certificate is not valid now, and it may only renew it", false, false},
    {"pace", "it asks more often than any honest node does", true, true},
}};

std::optional<Denial> check_member(const model::Principal& who, const Hearer& hearer) {
  if (who.cluster.empty() || who.node.empty()) return Denial::stranger;
  if (who.cluster != hearer.cluster) return Denial::another_swarm;
  return std::nullopt;
}

bool is_removed(const model::Principal& who, const Hearer& hearer) {
  return hearer.removed_nodes != nullptr && hearer.removed_nodes->contains(who.node);
}

// A certificate says whole seconds.
WallTime certified_at(const model::Principal& who) {
  return who.valid_from + ca::kBackdate + Duration::seconds(1);
}

std::optional<Denial> check_manager(const model::Principal& who, const Hearer& hearer) {
  if (who.role != model::NodeRole::manager || who.raft_id == 0) return Denial::role;
  if (is_manager(who, hearer)) return std::nullopt;
  return hearer.removed->contains(who.raft_id) ? Denial::stale : Denial::unknown_manager;
}

}  // namespace

const DenialRow& row_of(Denial denial) { return kDenialRows[static_cast<std::size_t>(denial)]; }

Permission permission(const ports::Frame& frame) { return std::visit(Table{}, frame); }
Permission permission(const wire::Message& message) { return Table{}(message); }

bool is_manager(const model::Principal& who, const Hearer& hearer) {
  if (who.role != model::NodeRole::manager || who.raft_id == 0) return false;
  if (hearer.members == nullptr) return true;
  if (hearer.removed->contains(who.raft_id)) return false;
  const auto member = hearer.members->find(who.raft_id);
  if (member != hearer.members->end()) return member->second.node == who.node;
  if (hearer.leader != 0) return hearer.leader == who.raft_id;
  return !hearer.worker_as_of || *hearer.worker_as_of < certified_at(who);
}

std::optional<Denial> check(const model::Principal& who, Way way, const Hearer& hearer,
                            const ports::Frame& frame) {
  const Permission row = permission(frame);
  if (row.way != way) return Denial::direction;
  if (row.sender == Sender::anyone) return std::nullopt;
  if (const auto denial = check_member(who, hearer)) return denial;
  if (!row.even_if_removed && is_removed(who, hearer)) return Denial::removed;
  if (!row.even_if_expired && who.renews) return Denial::expired;
  if (row.sender == Sender::coming_manager && who.role != model::NodeRole::manager) return Denial::role;
  if (row.sender == Sender::manager)
    if (const auto denial = check_manager(who, hearer)) return denial;
  if (row.subject && *row.subject != who.node) return Denial::subject;
  if (row.ends && row.ends->from != who.raft_id) return Denial::subject;
  if (row.ends && (hearer.raft_id == 0 || row.ends->to != hearer.raft_id)) return Denial::stale;
  return std::nullopt;
}

}  // namespace swarm::node
