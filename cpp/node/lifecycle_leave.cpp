// Leave: the node asks the leader, stops its tasks, and wipes what it knew of the swarm.
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/lifecycle.hpp"
#include "node/lifecycle_times.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

using stage::Leaving;

namespace {

Error not_let_go() {
  return plain_error(
      Code::unavailable,
      "the leader has not taken this manager out of the group in time: it stays. Look at docker node ls, and "
      "try again");
}

}  // namespace

void Lifecycle::leave(ports::ApiId id, const Surroundings& at) {
  if (std::holds_alternative<Leaving>(stage_))
    return done(id, plain_error(Code::failed_precondition, "this node is leaving already"));
  if (std::holds_alternative<way::Asked>(way_)) way_ = way::AtRest{};
  give_up_coming();
  // What it waited for does not matter any more: a key, or managers that let it in.
  if (std::holds_alternative<stage::Locked>(stage_) || std::exchange(is_refused_, false)) error_.clear();
  Leaving leaving{id, rng_.next(), false, false, at.now, at.now + kLeavePatience};
  const bool last = at.is_manager && at.voters <= 1 && at.leads;
  leaving.known = last || !identity_;
  stage_ = leaving;
  tell_leader(std::get<Leaving>(stage_), at);
}

void Lifecycle::on_removed(const Surroundings& at) {
  if (auto* leaving = std::get_if<Leaving>(&stage_)) {
    leaving->known = true;
    return;
  }
  give_up_coming();
  stage_ = Leaving{0, 0, true, false, at.now, at.now};
  error_ = "this node was removed from the swarm";
}

void Lifecycle::tell_leader(Leaving& leaving, const Surroundings& at) {
  if (leaving.known || !identity_) return;
  leaving.resend = at.now + kResend;
  // Hand over first: a leader cannot see to its own departure.
  if (at.leads) return out_.add(effect::HandOver{});
  const wire::LeaveRequest request{leaving.request, identity_->node};
  if (at.leader) {
    out_.add(effect::SendTo{*at.leader, request});
  } else {
    send_to_managers(request);
  }
}

void Lifecycle::on_message(const wire::LeaveReply& reply, const Surroundings&) {
  auto* leaving = std::get_if<Leaving>(&stage_);
  if (leaving == nullptr || reply.request != leaving->request || reply.leader || leaving->known) return;
  if (reply.error) return stay(*leaving, *reply.error);
  leaving->known = true;
}

void Lifecycle::stay(const Leaving& leaving, const Error& why) {
  const ports::ApiId id = leaving.id;
  stage_ = stage::Member{};
  done(id, why);
}

void Lifecycle::run(Leaving& leaving, const Surroundings& at) {
  if (!leaving.known) return;
  if (!std::exchange(leaving.draining, true)) return out_.add(effect::DrainAgent{});
  if (!at.idle) return;
  const Leaving left = std::move(leaving);
  stage_ = stage::Outside{};
  forget_everything();
  if (left.why) return done(left.id, *left.why);
  done(left.id, docker::OperationResult{});
}

void Lifecycle::on_deadline(Leaving& leaving, const Surroundings& at) {
  if (leaving.known) return;
  if (leaving.give_up <= at.now) {
    // A voter that is gone while the group counts on it may cost the others their majority.
    if (at.votes && at.knows_leader) return stay(leaving, not_let_go());
    leaving.known = true;  // no manager answers: it is our own decision
  } else if (leaving.resend <= at.now) {
    tell_leader(leaving, at);
  }
}

// Fails the init or join that waits for this node to be in a swarm.
void Lifecycle::give_up_coming() {
  const Error gone = plain_error(Code::aborted, "the node left the swarm meanwhile");
  if (const auto* joining = std::get_if<stage::Joining>(&stage_)) done(joining->id, gone);
  if (const auto* init = std::get_if<stage::Initialising>(&stage_)) done(init->id, gone);
}

void Lifecycle::forget_everything() {
  out_.add(effect::StopAgent{});
  out_.add(effect::StopReplica{});
  out_.add(effect::StopListening{});
  out_.add(effect::CloseLinks{});
  sidelined_.reset();
  identity_.reset();
  certified_ = {};
  lock_ = {};
  stored_lock_ = 0;
  out_.add(effect::SayHello{});
  out_.add(effect::SetCredentials{});
  out_.add(effect::WipeAll{});
  if (!std::holds_alternative<way::Wiping>(way_)) way_ = way::AtRest{};
  role_wanted_ = model::NodeRole::worker;
}

}  // namespace swarm::node
