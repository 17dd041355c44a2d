// Init: this node becomes the first manager of a new swarm.
#include <optional>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "ca/policy.hpp"
#include "control/cluster.hpp"
#include "control/join.hpp"
#include "control/unlock_key.hpp"
#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/lifecycle.hpp"
#include "node/lifecycle_times.hpp"
#include "node/own_addresses.hpp"
#include "node/waits.hpp"
#include "ports/ports.hpp"

namespace swarm::node {
namespace {

control::NewCluster new_cluster(ClusterId id, const docker::SwarmInit& wish,
                                const ports::Crypto::KeyPair& root, ports::Crypto& crypto) {
  control::NewCluster fresh;
  fresh.id = id;
  fresh.spec = wish.spec;
  fresh.default_addr_pool = wish.default_addr_pool;
  fresh.subnet_size = wish.subnet_size;
  fresh.data_path_port = wish.data_path_port;
  fresh.root_cert_pem = root.cert_pem;
  fresh.root_key_pem = root.key_pem;
  const std::string digest = crypto.sha256(root.cert_pem);
  fresh.join_token_worker = control::make_join_token(digest, crypto.random_bytes(16));
  fresh.join_token_manager = control::make_join_token(digest, crypto.random_bytes(16));
  fresh.unlock_key = crypto.random_bytes(control::kUnlockKeyBytes);
  return fresh;
}

model::Node first_node(const Identity& identity, const docker::SwarmInit& wish,
                       const model::NodeDescription& description) {
  model::Node node;
  node.id = identity.node;
  node.spec.desired_role = node.role = model::NodeRole::manager;
  node.spec.availability = wish.availability;
  node.description = description;
  node.status.state = model::NodeState::ready;
  node.status.addr = identity.advertise.host();
  node.manager = model::ManagerStatus{identity.raft_id, identity.advertise.str()};
  return node;
}

}  // namespace

Error Lifecycle::busy() const {
  if (std::holds_alternative<stage::Locked>(stage_)) return docker::swarm_locked();
  return plain_error(Code::failed_precondition,
                     std::holds_alternative<stage::Leaving>(stage_)
                         ? "this node is leaving its swarm: try again when it has left"
                         : "this node is part of a swarm, or on its way into one");
}

void Lifecycle::init(ports::ApiId id, const docker::SwarmInit& wish) {
  if (!std::holds_alternative<stage::Outside>(stage_)) return done(id, busy());
  if (wish.spec.auto_lock_managers && options_.build.feature_level < model::kAutolockSince)
    return done(id, plain_error(Code::failed_precondition,
                                "this node's build of swarmpy does not know autolock: upgrade it first"));
  const auto own = own_addresses(options_, wish.listen_addr, wish.advertise_addr);
  if (!own) return done(id, own.error());
  stage_ = stage::Initialising{id, wish, own->listen, own->advertise, {}};
  out_.add(effect::Listen{own->listen});
}

void Lifecycle::begin_swarm(stage::Initialising& init, const Surroundings& at) {
  Identity identity;
  identity.node = NodeId::random(rng_);
  identity.cluster = ClusterId::random(rng_);
  identity.role = model::NodeRole::manager;
  identity.raft_id = (rng_.next() >> 1) | 1;
  identity.listen = init.listen;
  identity.advertise = init.advertise;
  const wire::ManagerPeer self{identity.node, identity.raft_id, identity.advertise};
  identity.managers = {self};
  const auto root = crypto_.make_root_ca(at.wall);
  identity.root_cert_pem = root.cert_pem;
  const auto own = crypto_.make_request();
  auto certificate = crypto_.issue(root, own.request_pem,
                                   ca::to_issue(identity.node, identity.role, identity.cluster,
                                                init.wish.spec.ca.node_cert_expiry, at.wall));
  SWARM_CHECK(certificate.ok(), "the first manager cannot certify itself");
  const control::NewCluster fresh = new_cluster(identity.cluster, init.wish, root, crypto_);
  model::Transaction first =
      control::make_cluster(fresh, first_node(identity, init.wish, options_.description), rng_);
  first.time = at.wall;
  error_.clear();  // of a join that failed before
  identity_ = std::move(identity);
  take_certificate(std::move(*certificate), own.key_pem, at.now, at.wall);
  out_.add(effect::SayHello{});
  out_.add(effect::CreateReplica{self, std::move(first)});
  // The log and the certificate first, the identity last: a crash in between leaves no half-made manager.
  if (init.wish.spec.auto_lock_managers) lock_ = {1, fresh.unlock_key};  // as in the cluster object
  store_certificates_and_lock();
  save_identity_and({IdentityStored::Then::start_agent});
}

Result<void> Lifecycle::may_force() const {
  if (!std::holds_alternative<stage::Member>(stage_) || forcing_) return busy();
  if (own_identity().raft_id != 0) return {};
  return Error{
      Code::failed_precondition,
      "this node is not a manager, and has nothing of the swarm to make a new cluster of: run it on a "
      "manager",
      {},
      false,
      503};
}

// Two swarms would come of one where the managers still have a majority. A manager that lost the others just
// now does not know it yet, so it is given the time in which it must notice.
void Lifecycle::force_new_cluster(ports::ApiId id, const docker::SwarmInit& wish, const Surroundings& at) {
  if (const auto may = may_force(); !may) return done(id, may.error());
  forcing_ = Forcing{id, wish, at.now + kNoticesLoss, {}};
  go_on_forcing(at);
}

void Lifecycle::go_on_forcing(const Surroundings& at) {
  if (!forcing_ || forcing_->tried) return;
  const bool has_leader = at.voters > 1 && (at.leads || at.knows_leader);
  if (has_leader && at.now < forcing_->give_up) return;
  const Forcing forcing = std::move(*forcing_);
  forcing_.reset();
  if (!std::holds_alternative<stage::Member>(stage_)) return done(forcing.id, busy());
  if (!has_leader) return begin_new_cluster(forcing);
  done(forcing.id,
       Error{
           Code::failed_precondition,
           "this swarm has a leader: there is nothing to recover, and a new cluster would be a second swarm. "
           "Demote or remove the managers that are not wanted",
           {},
           false,
           503});
}

// All other nodes know this one by the addresses at which it listens now.
void Lifecycle::begin_new_cluster(const Forcing& forcing) {
  const docker::SwarmInit& wish = forcing.wish;
  Identity& identity = own_identity();
  if (!wish.advertise_addr.empty() && !forcing.tried) {
    const auto own = own_addresses(options_, wish.listen_addr, wish.advertise_addr);
    if (!own) return done(forcing.id, own.error());
    if (own->advertise != identity.advertise) return try_address(forcing, own->advertise);
  }
  const wire::ManagerPeer self{identity.node, identity.raft_id, identity.advertise};
  identity.managers = {self};
  identity.role = model::NodeRole::manager;
  way_ = way::AtRest{};
  error_.clear();
  stage_ = stage::Initialising{forcing.id, forcing.wish, identity.listen, identity.advertise, {}};
  out_.add(effect::StopReplica{});
  out_.add(effect::CloseLinks{});
  out_.add(effect::RecoverReplica{self});
  out_.add(effect::Store{save_identity(identity), {}});
}

// Where it listens at all of its addresses, the new one must be among them.
void Lifecycle::try_address(const Forcing& forcing, const Address& address) {
  const Address& listen = own_identity().listen;
  forcing_ = forcing;
  forcing_->tried = address;
  if (address == listen) return on_tried({});
  if (!listen.is_unspecified() || listen.port != address.port)
    return on_tried(plain_error(Code::failed_precondition, "it is another address"));
  out_.add(effect::StopListening{});
  out_.add(effect::Listen{address});
}

void Lifecycle::on_tried(const Result<void>& result) {
  SWARM_CHECK(forcing_, "no address is tried");
  const Forcing forcing = std::move(*forcing_);
  forcing_.reset();
  SWARM_CHECK(forcing.tried, "no address is tried");
  const Address& tried = *forcing.tried;
  Identity& identity = own_identity();
  const Address& listen = identity.listen;
  if (result) {
    identity.advertise = tried;
    return begin_new_cluster(forcing);
  }
  if (listen.is_unspecified()) {
    out_.add(effect::StopListening{});
    out_.add(effect::Listen{listen});
  }
  done(forcing.id, Error{Code::failed_precondition,
                         "nothing would listen at " + tried.str() + ", and the other nodes would be lost (" +
                             result.error().message + "): this node listens at " + listen.str() +
                             "; name an address of this machine " + "there, or leave --advertise-addr out",
                         {},
                         false,
                         503});
}

void Lifecycle::on_recovered(const Result<void>& result) {
  auto* init = std::get_if<stage::Initialising>(&stage_);
  if (result) sidelined_.reset();
  if (result || init == nullptr) return;
  error_ = result.error().message;
  const ports::ApiId id = init->id;
  stage_ = stage::Member{};
  done(id, result.error());
}

// A swarm that could not be written does not begin. One that was there before stays.
void Lifecycle::on_sidelined(Sidelined sidelined) {
  sidelined_ = std::move(sidelined);
  const auto* init = std::get_if<stage::Initialising>(&stage_);
  if (init == nullptr || !is_failing()) return;
  const ports::ApiId id = init->id;
  const bool is_new = !init->wish.force_new_cluster;
  const Error why = plain_error(Code::unavailable, sidelined_->why);
  stage_ = is_new ? Stage(stage::Outside{}) : Stage(stage::Member{});
  done(id, why);
  if (is_new) forget_everything();
}

void Lifecycle::run(stage::Initialising& init, const Surroundings& at) {
  // Lost again before it came to rest: its patience begins anew, for a deadline that is over wakes at once.
  if (!at.leads || !at.in_session) return init.settle_by.reset();
  if (!has_settled(at.is_settled, init.settle_by, at.now)) return;
  const ports::ApiId id = init.id;
  stage_ = stage::Member{};
  done(id, docker::OperationResult{own_identity().node});
}

}  // namespace swarm::node
