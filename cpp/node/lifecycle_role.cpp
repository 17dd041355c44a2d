// From worker to manager and back: the session says what this node is to be; the way into the Raft group
// takes a manager's certificate, a listening address, a Raft id from the leader, and an identity on disk that
// names it.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "agent/worker.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/lifecycle.hpp"
#include "node/lifecycle_times.hpp"
#include "node/waits.hpp"

namespace swarm::node {

void Lifecycle::on_session_facts(const agent::SessionFacts& facts, const Surroundings& at) {
  if (!identity_ || std::holds_alternative<stage::Leaving>(stage_)) return;
  if (!facts.managers.empty() && facts.managers != identity_->managers) {
    identity_->managers = facts.managers;
    out_.add(effect::Store{save_identity(*identity_), {}});
  }
  role_wanted_ = facts.role;
  if (std::exchange(is_refused_, false)) error_.clear();
  if (!facts.root_cert_pem.empty()) on_root(facts.root_cert_pem);
  note_wanted_issuer(facts, at.now);
  if (auto* joining = std::get_if<stage::Joining>(&stage_))
    if (auto* entering = std::get_if<stage::Joining::Entering>(&joining->step)) entering->ready = facts.ready;
  if (sidelined_) return on_facts_while_sidelined(facts, at);
  if (at.is_manager) return on_facts_as_manager(facts, at);
  if (facts.role == model::NodeRole::manager) return start_raft_join(at);
  if (certified_.role && certified_.role != facts.role) want_certificate(at);
  error_.clear();  // what kept it out of the group is no error of a worker
  if (!std::holds_alternative<way::Asked>(way_)) return;
  way_ = way::AtRest{};
  out_.add(effect::StopListening{});
}

void Lifecycle::on_refused(const std::string& why) {
  error_ = why;
  is_refused_ = true;
}

// A deposed leader may not have heard yet that this node is a manager (again): facts that are older than what
// this node has applied are no reason to go.
void Lifecycle::on_facts_as_manager(const agent::SessionFacts& facts, const Surroundings& at) {
  if (std::holds_alternative<stage::Initialising>(stage_) || facts.version < at.version) return;
  const bool member = std::any_of(facts.managers.begin(), facts.managers.end(),
                                  [&](const auto& peer) { return peer.raft_id == at.raft_id; });
  if (facts.role == model::NodeRole::worker || !member) demote();
}

// An outdated member, or one whose disk fails, stays the member that it is until it is well, or taken out of
// the group. Any other is to be a new one: the leader takes its former life out of the group
// (Membership::on_raft_join).
void Lifecycle::on_facts_while_sidelined(const agent::SessionFacts& facts, const Surroundings& at) {
  SWARM_CHECK(sidelined_, "its member is not sidelined");
  if (facts.version < sidelined_->version) return;
  if (is_to_be_another() && facts.role == model::NodeRole::manager) return start_raft_join(at);
  const std::uint64_t own = own_identity().raft_id;
  const bool member = std::any_of(facts.managers.begin(), facts.managers.end(),
                                  [&](const auto& peer) { return peer.raft_id == own; });
  if (!member) demote();
}

// ---- into the Raft group

void Lifecycle::start_raft_join(const Surroundings& at) {
  if (std::holds_alternative<stage::Leaving>(stage_)) return;
  if (!std::holds_alternative<way::AtRest>(way_) && !std::holds_alternative<way::Refused>(way_)) return;
  if (certified_.role != model::NodeRole::manager) return want_certificate(at);  // and on from there
  way_ = way::Listening{};
  out_.add(effect::Listen{own_identity().listen});
}

void Lifecycle::on_raft_listening(const Result<void>& result, const Surroundings& at) {
  if (!result) {
    error_ = result.error().message;
    way_ = way::Refused{at.now + kRaftRetry};
    if (std::holds_alternative<stage::Joining>(stage_)) fail_join(result.error());
    return;
  }
  way_ = way::Asked{rng_.next(), at.now, std::nullopt};
  ask_to_join_raft(std::get<way::Asked>(way_), at.now);
}

void Lifecycle::ask_to_join_raft(way::Asked& asked, Instant now) {
  asked.resend = now + kResend;
  const Identity& own = own_identity();
  const wire::RaftJoinRequest request{asked.request, own.node, own.advertise};
  if (const auto leader = std::exchange(asked.leader, std::nullopt)) {
    out_.add(effect::SendTo{*leader, request});
  } else {
    send_to_managers(request);  // the leader answers; the others name the leader
  }
}

void Lifecycle::send_to_managers(const wire::Message& message) {
  const Identity& own = own_identity();
  for (const auto& peer : own.managers)
    if (peer.node != own.node) out_.add(effect::SendTo{peer.address, message});
}

void Lifecycle::on_message(const wire::RaftJoinReply& reply, const Surroundings& at) {
  auto* asked = std::get_if<way::Asked>(&way_);
  if (asked == nullptr || reply.request != asked->request || at.is_manager) return;
  if (reply.leader) {
    asked->leader = reply.leader;
    return ask_to_join_raft(*asked, at.now);
  }
  way_ = way::AtRest{};
  if (reply.error) return refuse_raft_join(*reply.error, at.now);
  enter_group(reply);
}

void Lifecycle::refuse_raft_join(const Error& error, Instant now) {
  error_ = error.message;
  out_.add(effect::StopListening{});
  const auto* joining = std::get_if<stage::Joining>(&stage_);
  if (joining == nullptr) {
    way_ = way::Refused{now + kRaftRetry};
    return;
  }
  // Its session has begun: tasks may run here already, and are stopped first.
  stage_ = stage::Leaving{joining->id, 0, true, false, now, now, error};
}

void Lifecycle::enter_group(const wire::RaftJoinReply& reply) {
  error_.clear();
  Identity& own = own_identity();
  own.raft_id = reply.raft_id;
  own.role = model::NodeRole::manager;
  own.managers = reply.members;
  if (auto* joining = std::get_if<stage::Joining>(&stage_))
    if (auto* entering = std::get_if<stage::Joining::Entering>(&joining->step)) entering->ready = false;
  if (sidelined_) out_.add(effect::WipeReplica{});  // what its disk still had
  sidelined_.reset();
  out_.add(effect::SayHello{});
  // Links that were opened as a worker's go: their peers would refuse a manager's words on them.
  out_.add(effect::CloseLinks{});
  out_.add(effect::JoinReplica{reply.raft_id, reply.members});
  // Batches are done in their order: the member's state is on disk before the name that speaks of it.
  save_identity_and({IdentityStored::Then::begin_replica, reply.raft_id});
}

// ---- and out of it

// The identity first: a manager's state that no identity speaks of is wiped at the next start. Once for each
// replica, which stays until the end of the round: other facts of the same round want the same again.
void Lifecycle::demote() {
  if (std::holds_alternative<way::Wiping>(way_)) return;
  Identity& own = own_identity();
  SWARM_CHECK(own.raft_id != 0, "the node is no member of the Raft group");
  out_.add(effect::StopReplica{});
  sidelined_.reset();
  out_.add(effect::StopListening{});
  own.role = model::NodeRole::worker;
  own.raft_id = 0;
  out_.add(effect::CloseLinks{});
  out_.add(effect::SayHello{});
  way_ = way::Wiping{};
  save_identity_and({IdentityStored::Then::wipe_replica});
}

}  // namespace swarm::node
