// This node's certificate: the one that it has, and the next one, which it asks the leader for when the old
// one has lived for long or says another role than its session (swarmkit ca/renewer.go).
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/worker.hpp"
#include "base/check.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/certificates.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/lifecycle.hpp"
#include "node/lifecycle_times.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "ports/refusal.hpp"

namespace swarm::node {
namespace {

// The calendar may be set forward, or back: it is looked at now and then.
constexpr Duration kLookAgain = Duration::seconds(60);

Instant next_look(Instant now, WallTime wall, WallTime due) {
  return now + std::clamp(due - wall, Duration{}, kLookAgain);
}

std::string too_late(WallTime not_after) {
  return "this node's certificate expired at " + to_rfc3339(not_after) +
         ", and managers renew one for seven days after its end: leave the swarm (docker swarm leave "
         "--force) "
         "and join it again";
}

std::string next_step(std::string_view what) {
  if (what == "is of another root")
    return ". The swarm has another root certificate by now, and this node was removed from the swarm "
           "meanwhile, or "
           "its data root is an old copy: leave the swarm (docker swarm leave --force) and join it again";
  return ". Compare the clocks of the machines; if they are right, leave the swarm (docker swarm leave "
         "--force) and "
         "join it again";
}

std::string refused_link(const ports::Refusal& refusal) {
  const char* who = refusal.by_peer ? "the managers refuse this node's certificate: it "
                                    : "this node refuses the managers' certificates: the last one ";
  return who + std::string(refusal.what) + next_step(refusal.what);
}

}  // namespace

// A manager that hears a leader, and a node in session, are in the swarm, whatever one peer thinks. What is
// said already is said for a better reason.
void Lifecycle::on_link_refused(const ports::Refusal& refusal, const Surroundings& at) {
  if (!std::holds_alternative<stage::Member>(stage_) || !certified_.role) return;
  if (!certified_.is_valid(at.wall)) certified_.look = std::min(certified_.look, at.now);
  if (at.in_session || at.knows_leader || (!error_.empty() && !is_refused_)) return;
  on_refused(refused_link(refusal));
}

void Lifecycle::resume(ports::DiskLock lock, Instant now, WallTime wall) {
  stage_ = stage::Member{};
  error_.clear();
  lock_ = std::move(lock);
  stored_lock_ = lock_.number;
  const Identity& own = own_identity();
  if (own.raft_id == 0) open_own_lock();  // a crash was between its demotion and this
  if (own.certificate_pem.empty()) {
    error_ =
        "this node has no certificate: swarm/certificates/swarm-node.crt is not in its data root (a version "
        "without TLS made none). Restore it from a copy, or leave the swarm and join again";
    return;
  }
  take_certificate(own.certificate_pem, own.key_pem, now, wall);
}

// Later links open with it. Writing it down is the caller's.
void Lifecycle::take_certificate(std::string certificate_pem, std::string key_pem, Instant now,
                                 WallTime wall) {
  const auto says = crypto_.read_certificate(certificate_pem);
  Certified next;
  next.wanted_issuer = std::move(certified_.wanted_issuer);
  certified_ = std::move(next);
  if (says) {
    certified_.role = says->role;
    certified_.issuer = says->issuer;
    certified_.valid_from = says->not_before;
    certified_.not_after = says->not_after;
    certified_.renew_at = ca::renewal_time(*says, rng_);
    certified_.look = next_look(now, wall, certified_.renew_at);
  }
  Identity& own = own_identity();
  own.certificate_pem = std::move(certificate_pem);
  own.key_pem = std::move(key_pem);
  out_.add(effect::SetCredentials{credentials_of(own)});
}

// A manager that was deposed, or restarted long ago, cannot lead it astray: its own certificate is of the
// newest root before that one is in force (ca/root_reconciler).
void Lifecycle::on_root(const std::string& root_cert_pem) {
  if (!identity_ || identity_->root_cert_pem == root_cert_pem ||
      crypto_.root_id(root_cert_pem) != certified_.issuer)
    return;
  identity_->root_cert_pem = root_cert_pem;
  out_.add(effect::SetCredentials{credentials_of(*identity_)});
  store_certificate();
}

// Until it is stored a crash would bring the old one back.
void Lifecycle::store_certificate() {
  const Identity& own = own_identity();
  out_.add(effect::Store{save_certificates(own),
                         CertificateStored{tls_info_of(crypto_, own.certificate_pem, own.root_cert_pem)}});
}

bool Lifecycle::is_of_another_root() const {
  return !certified_.wanted_issuer.empty() && certified_.wanted_issuer != certified_.issuer;
}

// At a moment of its own, so that not all nodes ask at once.
void Lifecycle::note_wanted_issuer(const agent::SessionFacts& facts, Instant now) {
  if (facts.issuer == certified_.wanted_issuer) return;
  certified_.wanted_issuer = facts.issuer;
  if (!is_of_another_root()) return;
  const Duration wait{rng_.between(0, std::max<std::int64_t>(facts.renew_within.ns, 0))};
  certified_.look = std::min(certified_.look, now + wait);
}

void Lifecycle::look_at_certificate(const Surroundings& at) {
  if (!identity_ || std::holds_alternative<stage::Leaving>(stage_)) return;
  if (certified_.asked) {
    if (certified_.asked->resend <= at.now) ask_for_certificate(at);
  } else if (certified_.look <= at.now) {
    certified_.look = next_look(at.now, at.wall, certified_.renew_at);
    const bool another_role = !at.is_manager && certified_.role != role_wanted_ && at.in_session;
    const bool is_due = certified_.renew_at <= at.wall || !certified_.is_valid(at.wall);
    if (!another_role && !is_of_another_root() && !is_due) return;
    if (at.now < certified_.not_before) certified_.look = certified_.not_before;
    want_certificate(at);
  }
}

void Lifecycle::want_certificate(const Surroundings& at) {
  if (certified_.asked || !certified_.role || at.now < certified_.not_before) return;
  auto own = crypto_.make_request();
  certified_.asked =
      Certified::Asked{{rng_.next(), std::move(own.request_pem)}, std::move(own.key_pem), {}, {}};
  ask_for_certificate(at);
}

void Lifecycle::ask_for_certificate(const Surroundings& at) {
  SWARM_CHECK(certified_.asked, "no certificate is asked for");
  Certified::Asked& asked = *certified_.asked;
  asked.resend = at.now + kResend;
  if (!certified_.is_valid(at.wall) && at.is_manager) return out_.add(effect::AskOwnStore{asked.request});
  if (certified_.not_after + ca::kRenewalGrace <= at.wall) {
    error_ = too_late(certified_.not_after);
    is_refused_ = false;
  }
  if (at.leads) return out_.add(effect::AskOwnLeader{asked.request});
  const auto leader = std::exchange(asked.leader, std::nullopt);
  if (leader || at.leader) return out_.add(effect::SendTo{leader ? *leader : *at.leader, asked.request});
  send_to_managers(asked.request);  // the leader answers; the others name the leader
}

void Lifecycle::on_message(const wire::CertificateReply& reply, const Surroundings& at) {
  auto& asked = certified_.asked;
  if (!identity_ || !asked || reply.request != asked->request.request) return;
  if (reply.leader) {
    asked->leader = reply.leader;
    return ask_for_certificate(at);
  }
  Certified::Asked answered = std::move(*asked);
  asked.reset();
  const auto unfit = why_unfit(reply, at.wall);
  if (!unfit) return on_certificate(std::move(answered), reply.certificate_pem, at);
  certified_.not_before = certified_.look = at.now + kRaftRetry;
  certified_.was_unfit = true;
  error_ = *unfit;
}

// One that is not valid by this node's clock would end its links: it keeps the one that it has.
std::optional<std::string> Lifecycle::why_unfit(const wire::CertificateReply& reply, WallTime wall) const {
  if (reply.error) return reply.error->message;
  const auto says = crypto_.read_certificate(reply.certificate_pem);
  const Identity& own = own_identity();
  if (!says || says->node != own.node || says->cluster != own.cluster)
    return "the leader's answer holds no certificate of this node";
  if (says->not_before <= wall && wall < says->not_after) return std::nullopt;
  return "the leader's answer is a certificate from " + to_rfc3339(says->not_before) + " to " +
         to_rfc3339(says->not_after) + ", and it is " + to_rfc3339(wall) +
         " here: this node keeps the one that it has and asks again. Compare the clocks of the machines";
}

// A manager's first certificate has to be seen: links that the worker opened go.
void Lifecycle::on_certificate(Certified::Asked asked, const std::string& certificate_pem,
                               const Surroundings& at) {
  const auto before = certified_.role;
  const bool was_invalid = !certified_.is_valid(at.wall), was_unfit = certified_.was_unfit;
  take_certificate(certificate_pem, std::move(asked.key_pem), at.now, at.wall);
  store_certificate();
  const bool another_role = certified_.role != role_wanted_ && !at.is_manager;
  // The leader has not got there yet, or its calendar is behind.
  if (another_role || is_of_another_root() || certified_.renew_at <= at.wall)
    certified_.look = certified_.not_before = at.now + kRaftRetry;
  if (was_invalid) out_.add(effect::CloseLinks{});  // on those that are open it may not say more
  if (was_invalid || was_unfit || certified_.role != before) error_.clear();
  if (certified_.role == before) return;
  if (certified_.role == model::NodeRole::manager) out_.add(effect::CloseLinks{});
  if (role_wanted_ == model::NodeRole::manager && !at.is_manager) start_raft_join(at);
}

}  // namespace swarm::node
