// Join: this node asks a manager for the swarm's root, then one that proves to be of that root for a place in
// the swarm, and waits until its own object is at rest.
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "control/join.hpp"
#include "docker/api.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/lifecycle.hpp"
#include "node/lifecycle_times.hpp"
#include "node/links.hpp"
#include "node/own_addresses.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

using stage::Joining;

constexpr const char* kJoinTimeout =
    "Timeout was reached before node joined. The attempt to join the swarm will continue in the background. "
    "Use the "
    "\"docker info\" command to see the current swarm status of your node.";

Result<std::vector<Address>> targets_of(const docker::SwarmJoin& wish) {
  std::vector<Address> targets;
  for (const auto& text : wish.remote_addrs) {
    const auto target = Address::parse(text, model::kManagementPort);
    if (!target)
      return plain_error(Code::invalid_argument,
                         "cannot join at " + text +
                             ": names are not looked up, write the manager's IP address "
                             "(with optional port number)");
    targets.push_back(*target);
  }
  if (targets.empty())
    return plain_error(Code::invalid_argument, "at least 1 RemoteAddr is required to join");
  return targets;
}

}  // namespace

void Lifecycle::join(ports::ApiId id, const docker::SwarmJoin& wish, const Surroundings& at) {
  if (!std::holds_alternative<stage::Outside>(stage_)) return done(id, busy());
  auto token = control::parse_join_token(wish.token);
  if (!token) return done(id, token.error());
  const auto own = own_addresses(options_, wish.listen_addr, wish.advertise_addr);
  if (!own) return done(id, own.error());
  auto targets = targets_of(wish);
  if (!targets) return done(id, targets.error());
  Joining::Asking asking;
  asking.token = std::move(*token);
  asking.targets = std::move(*targets);
  asking.listen = own->listen;
  asking.request.request = rng_.next();
  asking.request.token = wish.token;
  asking.request.description = options_.description;
  asking.request.availability = wish.availability;
  asking.request.addr = own->advertise.str();
  auto certificate = crypto_.make_request();
  asking.key_pem = std::move(certificate.key_pem);
  asking.request.certificate_request_pem = std::move(certificate.request_pem);
  asking.lose_hope = at.now + kDialPatience;
  error_.clear();
  ask_to_join(asking, at.now);
  stage_ = Joining{id, own->advertise, at.now + kJoinPatience, std::move(asking)};
}

void Lifecycle::ask_to_join(Joining::Asking& asking, Instant now) {
  asking.resend = now + kResend;
  const Address& target = asking.targets[asking.next_target % asking.targets.size()];
  if (asking.root_cert_pem.empty())
    return out_.add(effect::AskToJoin{target, wire::RootRequest{asking.request.request}});
  out_.add(effect::AskToJoin{target, asking.request});
}

// The token's digest first: a manager of another swarm may say anything. From here on this node believes
// managers of that root only, and gives them its token.
void Lifecycle::on_message(const wire::RootReply& reply, const Surroundings& at) {
  auto* asks = asking();
  if (asks == nullptr || reply.request != asks->request.request || !asks->root_cert_pem.empty()) return;
  const auto trusted = control::check_root_digest(asks->token, crypto_.sha256(reply.root_cert_pem));
  if (!trusted) return fail_join(trusted.error());
  asks->root_cert_pem = reply.root_cert_pem;
  asks->link = 0;  // the next one is better
  ports::Credentials believed;
  believed.roots_pem = reply.root_cert_pem;
  out_.add(effect::SetCredentials{std::move(believed)});
  out_.add(effect::CloseLinks{});
  ask_to_join(*asks, at.now);
}

Joining::Asking* Lifecycle::asking() {
  auto* joining = std::get_if<Joining>(&stage_);
  return joining == nullptr ? nullptr : std::get_if<Joining::Asking>(&joining->step);
}

void Lifecycle::on_asked(ports::LinkId link) {
  if (auto* asks = asking()) asks->link = link;
}

void Lifecycle::on_link_gone(const LinkGone& event) {
  auto* asks = asking();
  if (asks == nullptr || asks->link != event.link) return;
  asks->link = 0;
  ++asks->next_target;
}

void Lifecycle::on_message(const wire::JoinReply& reply, const Surroundings& at) {
  auto* asks = asking();
  if (asks == nullptr || reply.request != asks->request.request || asks->root_cert_pem.empty()) return;
  if (reply.leader) {
    asks->targets.insert(asks->targets.begin(), *reply.leader);
    asks->next_target = 0;
    return ask_to_join(*asks, at.now);
  }
  if (reply.error) return fail_join(*reply.error);
  const auto says = crypto_.read_certificate(reply.certificate_pem);
  if (!says || says->node != reply.node || says->cluster != reply.cluster)
    return fail_join(plain_error(Code::internal, "the manager's answer holds no certificate of this node"));
  become_member(reply, at);
}

void Lifecycle::fail_join(const Error& error) {
  const ports::ApiId id = std::get<Joining>(stage_).id;
  if (identity_) {
    stage_ = stage::Member{};
  } else {
    stage_ = stage::Outside{};
  }
  error_ = error.message;
  out_.add(effect::CloseLinks{});
  if (!identity_) out_.add(effect::SetCredentials{});
  done(id, error);
}

void Lifecycle::become_member(const wire::JoinReply& reply, const Surroundings& at) {
  Joining& joining = std::get<Joining>(stage_);
  std::string key_pem = std::move(std::get<Joining::Asking>(joining.step).key_pem);
  Identity identity;
  identity.node = reply.node;
  identity.cluster = reply.cluster;
  identity.role = model::NodeRole::worker;  // a manager once it is in the Raft group
  identity.listen = std::get<Joining::Asking>(joining.step).listen;
  identity.advertise = joining.advertise;
  identity.root_cert_pem = reply.root_cert_pem;
  identity.managers = reply.managers;
  joining.step = Joining::Entering{reply.role == model::NodeRole::manager, false, {}};
  identity_ = std::move(identity);
  out_.add(effect::CloseLinks{});  // the next ones open with our name
  take_certificate(reply.certificate_pem, std::move(key_pem), at.now, at.wall);
  out_.add(effect::SayHello{});
  store_certificates_and_lock();
  save_identity_and({IdentityStored::Then::start_agent});
}

void Lifecycle::run(Joining& joining, const Surroundings& at) {
  auto* entering = std::get_if<Joining::Entering>(&joining.step);
  if (entering == nullptr) return;
  const bool in_group = at.is_manager && at.knows_leader && at.votes;
  if (entering->as_manager ? !in_group : !at.in_session) return entering->settle_by.reset();
  const bool settled = at.in_session && entering->ready && (!entering->as_manager || at.is_settled);
  if (!has_settled(settled, entering->settle_by, at.now)) return;
  const ports::ApiId id = joining.id;
  stage_ = stage::Member{};
  done(id, docker::OperationResult{own_identity().node});
}

void Lifecycle::on_deadline(Joining& joining, const Surroundings& at) {
  if (joining.id != 0 && joining.give_up <= at.now)
    done(std::exchange(joining.id, 0), Error{Code::unavailable, kJoinTimeout, {}, false, 503});
  auto* asks = std::get_if<Joining::Asking>(&joining.step);
  if (asks == nullptr || asks->resend > at.now) return;
  if (asks->link != 0 || asks->lose_hope > at.now) return ask_to_join(*asks, at.now);
  fail_join(rpc_error(Code::unavailable, "no manager answers at " + asks->targets.front().str() +
                                             ": check the address, and that the manager runs"));
}

}  // namespace swarm::node
