#include "node/permissions.hpp"

#include <variant>

namespace swarm::node {
namespace {

enum class Who : std::uint8_t { nobody, anyone, member, manager };

struct Table {
  // A node outside the swarm may ask to join, and be answered.
  Who operator()(const wire::JoinRequest&) const { return Who::anyone; }
  Who operator()(const wire::JoinReply&) const { return Who::anyone; }
  // Answers to what this node asked a manager.
  Who operator()(const wire::RaftJoinReply&) const { return Who::manager; }
  Who operator()(const wire::LeaveReply&) const { return Who::manager; }
  Who operator()(const wire::Session&) const { return Who::manager; }
  Who operator()(const wire::SessionRefused&) const { return Who::manager; }
  Who operator()(const wire::HeartbeatReply&) const { return Who::manager; }
  Who operator()(const wire::Assignments&) const { return Who::manager; }
  Who operator()(const wire::TaskReportAck&) const { return Who::manager; }
  Who operator()(const wire::MeshUpdate&) const { return Who::manager; }
  Who operator()(const wire::LogSubscribe&) const { return Who::manager; }
  Who operator()(const wire::LogUnsubscribe&) const { return Who::manager; }
  // Every member's agent. A worker that was just promoted is not a manager in its own eyes yet.
  Who operator()(const wire::RaftJoinRequest&) const { return Who::member; }
  Who operator()(const wire::LeaveRequest&) const { return Who::member; }
  Who operator()(const wire::Register&) const { return Who::member; }
  Who operator()(const wire::Heartbeat&) const { return Who::member; }
  Who operator()(const wire::AssignmentsAck&) const { return Who::member; }
  Who operator()(const wire::TaskReport&) const { return Who::member; }
  Who operator()(const wire::MeshAck&) const { return Who::member; }
  Who operator()(const wire::LogChunk&) const { return Who::member; }
  // Between managers.
  Who operator()(const wire::ApiForward&) const { return Who::manager; }
  Who operator()(const wire::ApiReplyHead&) const { return Who::manager; }
  Who operator()(const wire::ApiReplyBody&) const { return Who::manager; }
  Who operator()(const wire::ApiCancel&) const { return Who::manager; }
  Who operator()(const wire::SnapshotChunk&) const { return Who::manager; }
};

Who who_may_send(const ports::Frame& frame) {
  if (std::holds_alternative<raft::Message>(frame)) return Who::manager;
  return std::visit(Table{}, std::get<wire::Message>(frame));
}

}  // namespace

bool may_send(const wire::Hello& peer, ClusterId own, const ports::Frame& frame) {
  const bool member = !own.empty() && peer.cluster == own && !peer.node.empty();
  switch (who_may_send(frame)) {
    case Who::nobody:
      return false;
    case Who::anyone:
      return true;
    case Who::member:
      return member;
    case Who::manager:
      return member && peer.role == model::NodeRole::manager && peer.raft_id != 0;
  }
  return false;
}

}  // namespace swarm::node
