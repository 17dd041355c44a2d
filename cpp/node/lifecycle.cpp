// The stages of a node, and what its deadline and its surroundings do to each. The steps themselves are in
// lifecycle_init.cpp, lifecycle_join.cpp, lifecycle_role.cpp, lifecycle_certificate.cpp, lifecycle_lock.cpp
// and lifecycle_leave.cpp.
#include "node/lifecycle.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/links.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

docker::SwarmState Lifecycle::state() const {
  if (std::holds_alternative<stage::Locked>(stage_)) return docker::SwarmState::locked;
  if (sidelined_) return docker::SwarmState::error;
  if (std::holds_alternative<stage::Initialising>(stage_) || std::holds_alternative<stage::Joining>(stage_))
    return docker::SwarmState::pending;
  return identity_ ? docker::SwarmState::active : docker::SwarmState::inactive;
}

void Lifecycle::done(ports::ApiId id, Result<docker::OperationResult> result) {
  if (id != 0) out_.add(effect::OperationDone{id, std::move(result)});
}

void Lifecycle::save_identity_and(IdentityStored then) {
  out_.add(effect::Store{save_identity(own_identity()), then});
}

// A reply is known by the number of its request, which only the node that was asked has heard.
void Lifecycle::on_message(const Speaker& from, const wire::Message& message, const Surroundings& at) {
  if (const auto* root = std::get_if<wire::RootRequest>(&message); root != nullptr && identity_)
    out_.add(effect::SendOn{from.link, wire::RootReply{root->request, identity_->root_cert_pem}});
  if (const auto* root = std::get_if<wire::RootReply>(&message)) on_message(*root, at);
  if (const auto* certificate = std::get_if<wire::CertificateReply>(&message)) on_message(*certificate, at);
  if (const auto* join = std::get_if<wire::JoinReply>(&message)) on_message(*join, at);
  if (const auto* raft_join = std::get_if<wire::RaftJoinReply>(&message)) on_message(*raft_join, at);
  if (const auto* leave = std::get_if<wire::LeaveReply>(&message)) on_message(*leave, at);
}

void Lifecycle::on_listening(const Result<void>& result, const Surroundings& at) {
  if (forcing_ && forcing_->tried) return on_tried(result);
  if (std::holds_alternative<way::Listening>(way_)) return on_raft_listening(result, at);
  auto* init = std::get_if<stage::Initialising>(&stage_);
  if (init == nullptr) return;
  if (result) return begin_swarm(*init, at);
  const ports::ApiId id = init->id;
  stage_ = stage::Outside{};
  done(id, result.error());
}

void Lifecycle::on_stored(const IdentityStored& stored, const Surroundings& at) {
  switch (stored.then) {
    case IdentityStored::Then::follow_lock:
      if (stored.lock == lock_.number) stored_lock_ = stored.lock;  // another one may be on its way already
      return;
    case IdentityStored::Then::start_agent:
      if (identity_) out_.add(effect::StartAgent{});  // it may have left already
      return;
    case IdentityStored::Then::begin_replica:
      if (at.is_manager && at.raft_id == stored.raft_id) out_.add(effect::BeginReplica{});
      return;
    case IdentityStored::Then::wipe_replica:
      way_ = way::AtRest{};
      if (!at.is_manager) out_.add(effect::WipeReplica{});  // not what a new swarm put there
      if (identity_ && !at.is_manager) open_own_lock();
      if (identity_ && role_wanted_ == model::NodeRole::manager && !at.is_manager) start_raft_join(at);
  }
}

void Lifecycle::run(const Surroundings& at) {
  // Its own log says that it is out: whatever it is to be, it is not this member any more.
  if (identity_ && !std::holds_alternative<stage::Leaving>(stage_) && at.is_manager && at.was_removed)
    demote();
  go_on_forcing(at);
  std::visit([&](auto& stage) { run(stage, at); }, stage_);
}

void Lifecycle::on_deadline(const Surroundings& at) {
  go_on_forcing(at);
  std::visit([&](auto& stage) { on_deadline(stage, at); }, stage_);
  look_at_certificate(at);
  if (auto* asked = std::get_if<way::Asked>(&way_)) {
    if (asked->resend <= at.now) ask_to_join_raft(*asked, at.now);
  } else if (const auto* refused = std::get_if<way::Refused>(&way_); refused && refused->retry <= at.now) {
    way_ = way::AtRest{};
    if (identity_ && role_wanted_ == model::NodeRole::manager && !at.is_manager) start_raft_join(at);
  }
}

namespace {

Instant deadline_of(const std::optional<Instant>& at) { return at.value_or(Instant::never()); }

struct DeadlineOf {
  template <class Other>
  Instant operator()(const Other&) const {
    return Instant::never();
  }
  Instant operator()(const stage::Initialising& init) const { return deadline_of(init.settle_by); }
  Instant operator()(const stage::Joining& joining) const {
    const Instant answer = joining.id != 0 ? joining.give_up : Instant::never();
    return std::min(answer, std::visit(*this, joining.step));
  }
  Instant operator()(const stage::Joining::Asking& asking) const { return asking.resend; }
  Instant operator()(const stage::Joining::Entering& entering) const {
    return deadline_of(entering.settle_by);
  }
  Instant operator()(const stage::Leaving& leaving) const {
    return leaving.known ? Instant::never() : std::min(leaving.resend, leaving.give_up);
  }
  Instant operator()(const way::Asked& asked) const { return asked.resend; }
  Instant operator()(const way::Refused& refused) const { return refused.retry; }
};

}  // namespace

Instant Lifecycle::next_deadline() const {
  const Instant forcing = forcing_ ? forcing_->give_up : Instant::never();
  Instant certificate = certified_.asked ? certified_.asked->resend : certified_.look;
  if (std::holds_alternative<stage::Leaving>(stage_)) certificate = Instant::never();  // it needs none
  return std::min({forcing, std::visit(DeadlineOf{}, stage_), std::visit(DeadlineOf{}, way_), certificate});
}

std::optional<Effect> Lifecycle::next_effect() { return out_.next(); }

}  // namespace swarm::node
