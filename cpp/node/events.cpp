// Events in: each goes to the part that it concerns. A frame passes the permissions first.
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "model/wire.hpp"
#include "node/impl.hpp"
#include "node/judge.hpp"
#include "node/links.hpp"
#include "node/node.hpp"
#include "node/other_group.hpp"
#include "node/permissions.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"
#include "ports/refusal.hpp"
#include "ports/transport.hpp"
#include "raft/describe.hpp"
#include "raft/message.hpp"

namespace swarm::node {

// ---- links

void Node::Impl::on(ports::LinkOpened event) {
  core_.links.on_opened(event);
  core_.trace("link.opened", [&] {
    return "remote=" + event.remote.str() + " peer=" + event.peer.node.str() +
           (event.inbound ? " inbound" : "");
  });
  if (event.inbound) return;
  refusals_.forget_links(event.remote);
  if (agent_) agent_->on_link_opened(event.link, core_.now);
  if (leader_) leader_->membership.on_link_opened(event.remote);
}

void Node::Impl::on(ports::LinkClosed event) {
  note_bad_frame(event);
  const auto gone = core_.links.on_closed(event.link, core_.now);
  if (const auto refusal = ports::refusal_in(event.reason)) note_refused_link(*refusal, gone);
  if (!gone) return;
  core_.trace("link.closed", [&] { return "peer=" + gone->peer.node.str() + " reason=" + event.reason; });
  link_gone(event.link, *gone);
}

// A node that reaches no manager for that reason says so where its state is asked for.
void Node::Impl::note_refused_link(const ports::Refusal& refusal, const std::optional<Links::Gone>& gone) {
  const bool dialled = gone && gone->outbound;
  refusals_.note_link(dialled ? gone->outbound->host() : std::string(refusal.host), refusal);
  if (dialled && !gone->was_open) lifecycle_.on_link_refused(refusal, surroundings());
}

// The transport itself closes a link whose bytes are no message. A peer that was introduced is named, as one
// is that breaks a rule.
void Node::Impl::note_bad_frame(const ports::LinkClosed& event) {
  const model::Principal* peer = core_.links.peer(event.link);
  if (peer == nullptr || !event.reason.starts_with("bad frame: ")) return;
  refusals_.note({event.link, *peer}, "A frame", Denial::rule, true, event.reason.c_str());
}

void Node::Impl::link_gone(ports::LinkId link, const Links::Gone& gone) {
  if (leader_) leader_->sessions.erase(link);
  pace_.forget(link);
  each_part([&](auto& part) {
    part.on_link_gone({link, gone, moment()});
    settle(part);
  });
}

void Node::Impl::close_link(ports::LinkId link) {
  if (const auto gone = core_.links.close(link)) link_gone(link, *gone);
}

void Node::Impl::close_links() {
  for (const auto& [link, gone] : core_.links.close_all()) link_gone(link, gone);
}

// ---- frames

void Node::Impl::on(ports::FrameArrived&& event) {
  const model::Principal* peer = core_.links.peer(event.link);
  if (peer == nullptr)  // the link was closed here while the frame was on its way
    return core_.trace("frame.denied", [&] { return "link=" + std::to_string(event.link); });
  const Speaker from{event.link, *peer};  // a copy: a handler may close the link
  const Way way = core_.links.is_outbound(event.link) ? Way::answers : Way::asks;
  const Permission row = permission(event.frame);
  if (const auto denial = check(from.who, way, hearer(from.who), event.frame)) {
    note_other_leader(from, event.frame, *denial);
    return refuse(from, row.name, *denial);
  }
  if (Pace::counts(row) && !pace_.may_ask(from, core_.now)) return refuse(from, row.name, Denial::pace);
  if (auto* message = std::get_if<raft::Message>(&event.frame)) {
    const char* name =
        message->type <= raft::MessageType::forget_leader ? raft::to_string(message->type) : "Raft";
    replica_->note_speaker(message->from, from.who.node);
    if (const auto broken = replica_->step(std::move(*message)))
      refuse(from, name, Denial::rule, sentence(*broken));
    return;
  }
  on_wire(from, std::move(std::get<wire::Message>(event.frame)));
}

void Node::Impl::refuse(const Speaker& from, const char* message, Denial denial, const char* rule) {
  // A link that this node opened stays: it would only be dialled again.
  const bool closes = row_of(denial).closes && !core_.links.is_outbound(from.link);
  refusals_.note(from, message, denial, closes, rule);
  if (closes) close_link(from.link);
}

// The leader of another group believes that this manager is one of its members, so it hears it, too.
void Node::Impl::note_other_leader(const Speaker& from, const ports::Frame& frame, Denial denial) {
  if (!replica_ || !is_of_other_leader(frame, denial)) return;
  if (replica_->members().contains(from.who.raft_id)) return;
  if (!other_group_.on_leader(from.who.node, core_.now)) return;
  core_.links.send(from.link, wire::Message(wire::SessionRefused{kOfOtherGroup, "another Raft group", {}}));
  if (other_group_.take_news(from.who.node))
    core_.trace("warning.group", [this] { return other_group_problem(); });
}

bool Node::Impl::note_other_group(const Speaker& from, const wire::Message& message) {
  const auto* refused = std::get_if<wire::SessionRefused>(&message);
  if (refused == nullptr || refused->session != kOfOtherGroup) return false;
  if (replica_ && other_group_.on_told(from.who.node, core_.now))
    core_.trace("warning.group", [this] { return other_group_problem(); });
  return true;
}

void Node::Impl::on_wire(const Speaker& from, wire::Message message) {
  if (note_other_group(from, message)) return;
  const Part part = permission(message).part;
  switch (part) {
    case Part::replica:
      return on_snapshot(from, message);
    case Part::membership:
    case Part::dispatcher:
      return on_leader_wire(from, part, message);
    case Part::api:
      router_.on_message(from, std::move(message), moment());
      return settle(router_);
    case Part::lifecycle:
      lifecycle_.on_message(from, message, surroundings());
      return settle(lifecycle_);
    case Part::logs:
      logs_.on_message(from, message, core_.now);
      return settle(logs_);
    case Part::agent:
      if (agent_) agent_->on_message(from, message, times());
      return settle_agent();
  }
}

void Node::Impl::on_snapshot(const Speaker& from, const wire::Message& message) {
  if (!replica_) return;
  if (const auto* ack = std::get_if<wire::SnapshotAck>(&message)) return replica_->on_ack(from.link, *ack);
  if (const auto broken = replica_->on_chunk(from.link, std::get<wire::SnapshotChunk>(message)))
    refuse(from, "SnapshotChunk", Denial::rule, sentence(*broken));
}

void Node::Impl::on_leader_wire(const Speaker& from, Part part, const wire::Message& message) {
  if (!leader_) return refuse_as_follower(from.link, message);
  if (part == Part::membership) return leader_->membership.on_message(from, message);
  leader_->sessions.insert(from.link);
  leader_->loops.dispatcher().on_message(replica_->store(), from.link, from.who,
                                         core_.links.remote(from.link)->host(), message, core_.now);
}

// Not the leader: names the leader, if it is known. A node that is no manager (yet, or any more) knows none.
void Node::Impl::refuse_as_follower(ports::LinkId link, const wire::Message& message) {
  if (!replica_) return;
  const auto leader = leadership().address;
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
  } else if (const auto* certificate = std::get_if<wire::CertificateRequest>(&message)) {
    if (!leader) return;
    wire::CertificateReply reply;
    reply.request = certificate->request;
    reply.leader = leader;
    core_.links.send(link, wire::Message(std::move(reply)));
  } else if (!std::holds_alternative<wire::LeaveRequest>(message)) {
    wire::SessionRefused refused;
    if (const auto* heartbeat = std::get_if<wire::Heartbeat>(&message)) refused.session = heartbeat->session;
    refused.reason = "this manager is not the leader";
    refused.leader = leader;
    refuse_session(link, std::move(refused));
    close_hasty_links();
  }
}

// An agent whose session is over hears it once or twice, and registers anew. A peer that makes this node say
// it without end is no honest agent.
void Node::Impl::refuse_session(ports::LinkId link, wire::SessionRefused refused) {
  const model::Principal* peer = core_.links.peer(link);
  if (peer != nullptr && !pace_.may_stray({link, *peer}, core_.now)) {
    hasty_.try_emplace(link, Speaker{link, *peer});
    return;
  }
  core_.links.send(link, wire::Message(std::move(refused)));
}

void Node::Impl::close_hasty_links() {
  for (const auto& [link, from] : std::exchange(hasty_, {}))
    refuse(from, "A frame of no session", Denial::pace);
}

// ---- the disk: a part that is not the one that wrote has nothing to go on with

void Node::Impl::on(ports::DiskDone event) {
  std::visit([this](const auto& waits) { on_done(waits); }, core_.take_done(event.token));
}

// The member ends here, before it says anything more: nothing has been said of what this batch has made true.
void Node::Impl::on(const ports::DiskFailed& event) {
  const Waits waits = core_.take_done(event.token);
  if (!core_.identity) return;  // it has left meanwhile
  if (std::holds_alternative<GroupStored>(waits))
    lifecycle_.on_recovered(plain_error(Code::unavailable, "the disk fails: " + event.why));
  stop_failing(event.why);
  settle(lifecycle_);
  if (replica_retired_) retire_replica();
}

void Node::Impl::on(const ports::DiskReopened& event) {
  if (!event.why.empty()) return reopening_.failed(core_.now);
  reopening_.opened(core_.now);
  if (!core_.identity || replica_ || !lifecycle_.is_failing()) return;
  core_.trace("disk", [] { return std::string("the disk takes writes again: this manager goes on"); });
  lifecycle_.on_disk_back();
  if (const auto started = begin_recovered(); !started) stop_failing(started.error().message);
  settle(lifecycle_);
  router_.on_leader_changed(moment());
  settle(router_);
}

void Node::Impl::on(const ports::DiskWaits& event) {
  disk_waits_ = event.why;
  core_.trace(event.why.empty() ? "disk" : "warning.disk", [&] {
    return event.why.empty() ? "what this node has to write is written"
                             : "what this node has to write waits for its disk: " + event.why;
  });
  // A worker writes nothing there, and may be a manager soon.
  if (!event.why.empty() && !replica_) reopening_.failed(core_.now);
}

void Node::Impl::on_done(const ReplicaStored& stored) {
  if (replica_ && replica_->life() == stored.replica) replica_->on_stored();
}

void Node::Impl::on_done(const RecordsStored& stored) {
  if (!agent_ || agent_->life() != stored.agent) return;
  agent_->on_stored(times());
  settle_agent();
}

void Node::Impl::on_done(const CertificateStored& stored) {
  if (!agent_) return;
  agent_->set_tls(stored.tls, core_.now);
  settle_agent();
}

void Node::Impl::on_done(const GroupStored&) {
  if (!core_.identity || replica_) return;  // it has left meanwhile
  lifecycle_.on_recovered(begin_recovered());
  settle(lifecycle_);
}

void Node::Impl::on_done(const IdentityStored& stored) {
  lifecycle_.on_stored(stored, surroundings());
  settle(lifecycle_);
  if (stored.then == IdentityStored::Then::follow_lock && stored.lock == lifecycle_.stored_lock())
    answer_after_lock();
}

// ---- tasks and clients

void Node::Impl::on(const ports::TaskPrepared& event) {
  if (agent_) agent_->on_event(event, times());
}

void Node::Impl::on(const ports::TaskStarted& event) {
  if (agent_) agent_->on_event(event, times());
  settle_agent();
}

void Node::Impl::on(const ports::TaskExited& event) {
  if (agent_) agent_->on_event(event, times());
  settle_agent();
}

void Node::Impl::on(const ports::MeshProblems& event) {
  if (agent_) agent_->on_event(event, times().now);
  settle_agent();
}

void Node::Impl::on(ports::OverlayChanged event) {
  if (agent_) agent_->on_event(event, times().now);
  settle_agent();
}

void Node::Impl::on(const ports::OverlayProblems& event) {
  if (agent_) agent_->on_event(event, times().now);
  settle_agent();
}

void Node::Impl::on(const ports::TaskLog& event) {
  logs_.on_log(event);
  settle(logs_);
}

void Node::Impl::on(ports::ApiArrived event) {
  router_.arrived(event.id, std::move(event.request), moment());
  settle(router_);
}

void Node::Impl::on(ports::ApiAborted event) {
  router_.aborted(event.id);
  settle(router_);
}

}  // namespace swarm::node
