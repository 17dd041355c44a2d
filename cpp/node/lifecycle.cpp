#include "node/lifecycle.hpp"

#include <algorithm>
#include <utility>

#include "control/cluster.hpp"

namespace swarm::node {
namespace {

constexpr Duration kResend = Duration::millis(500);
constexpr Duration kJoinPatience =
    Duration::seconds(20);  // Docker's: then the API answers, the joining goes on
constexpr Duration kDialPatience = Duration::seconds(5);  // for nobody answering at the given address at all
// A client may read and write this node at once when init or join has answered: it is not answered before the
// node is READY and its object quiet. A swarm that is too slow for that is no reason to answer never.
constexpr Duration kSettlePatience = Duration::seconds(5);
constexpr Duration kRaftRetry = Duration::seconds(1);
constexpr Duration kLeavePatience = Duration::seconds(3);

constexpr const char* kJoinTimeout =
    "Timeout was reached before node joined. The attempt to join the swarm will continue in the background. "
    "Use the "
    "\"docker info\" command to see the current swarm status of your node.";

}  // namespace

docker::SwarmState Lifecycle::state() const {
  if (core_.outdated) return docker::SwarmState::error;
  if (initialising_ || joining_) return docker::SwarmState::pending;
  if (core_.identity) return docker::SwarmState::active;
  return docker::SwarmState::inactive;
}

// The stock CLI always sends "0.0.0.0:2377": the wildcard means this node's own address where it has one.
Result<Lifecycle::Addresses> Lifecycle::addresses(const std::string& listen_text,
                                                  const std::string& advertise_text) const {
  const auto listen_at = Address::parse(listen_text, model::kManagementPort);
  if (!listen_at || listen_at->port == 0)  // nobody could join at a port that is drawn by lot
    return plain_error(
        Code::invalid_argument,
        "listen address must be an IP address or network interface (with optional port number)");
  Addresses out{*listen_at, *listen_at};
  if (out.listen.is_unspecified()) out.listen.ip = core_.options.address.ip;
  if (advertise_text.empty()) {
    out.advertise = out.listen;
    if (out.advertise.is_unspecified())
      return plain_error(Code::invalid_argument, "could not find the system's IP address");
  } else {
    const auto advertise_at = Address::parse(advertise_text, out.listen.port);
    if (!advertise_at || advertise_at->port == 0 || advertise_at->is_unspecified())
      return plain_error(
          Code::invalid_argument,
          "advertise address must be a non-zero IP address or network interface (with optional port number)");
    out.advertise = *advertise_at;
  }
  if (!out.listen.is_loopback() && !core_.options.insecure_no_tls)
    return plain_error(Code::failed_precondition,
                       "nodes do not speak TLS to one another yet: refusing to listen for peers on " +
                           out.listen.str() +
                           ", which is not a loopback address. Start swarmd with --address "
                           "127.0.X.Y, or with --insecure-no-tls on a network that you trust");
  return out;
}

Result<void> Lifecycle::listen(const Address& address) { return core_.ports.transport.listen(address); }

Result<void> Lifecycle::listen_again() {
  if (!core_.identity || core_.identity->role != model::NodeRole::manager) return {};
  return listen(core_.identity->listen);
}

// ---- init

void Lifecycle::init(ports::ApiId id, const docker::SwarmInit& wish) {
  const auto where = addresses(wish.listen_addr, wish.advertise_addr);
  if (!where) return host_.answer(id, where.error());
  if (const auto listening = listen(where->listen); !listening) return host_.answer(id, listening.error());
  Identity identity;
  identity.node = NodeId::random(core_.rng);
  identity.cluster = ClusterId::random(core_.rng);
  identity.role = model::NodeRole::manager;
  identity.raft_id = (core_.rng.next() >> 1) | 1;
  identity.listen = where->listen;
  identity.advertise = where->advertise;
  const wire::ManagerPeer self{identity.node, identity.raft_id, identity.advertise};
  identity.managers = {self};
  const auto root = core_.ports.crypto.make_root_ca(core_.wall());
  identity.root_cert_pem = root.cert_pem;
  control::NewCluster fresh;
  fresh.id = identity.cluster;
  fresh.spec = wish.spec;
  fresh.default_addr_pool = wish.default_addr_pool;
  fresh.subnet_size = wish.subnet_size;
  fresh.data_path_port = wish.data_path_port;
  fresh.root_cert_pem = root.cert_pem;
  fresh.root_key_pem = root.key_pem;
  const std::string digest = core_.ports.crypto.sha256(root.cert_pem);
  fresh.join_token_worker = control::make_join_token(digest, core_.ports.crypto.random_bytes(16));
  fresh.join_token_manager = control::make_join_token(digest, core_.ports.crypto.random_bytes(16));
  model::Node node;
  node.id = identity.node;
  node.spec.desired_role = node.role = model::NodeRole::manager;
  node.spec.availability = wish.availability;
  node.description = core_.options.description;
  node.status.state = model::NodeState::ready;
  node.status.addr = identity.advertise.host();
  node.manager = model::ManagerStatus{identity.raft_id, identity.advertise.str()};
  model::Transaction first = control::make_cluster(fresh, node, core_.rng);
  first.time = core_.wall();
  initialising_ = true;
  init_settle_by_.reset();
  init_id_ = id;
  error_.clear();  // of a join that failed before
  core_.identity = identity;
  core_.links.set_hello(core_.hello());
  host_.start_replica(Replica::create(core_, self, first));
  // The log first, who we are second: a crash between the two leaves no half-made manager.
  core_.commit(save_identity(identity), [this] {
    if (core_.identity) host_.start_agent();  // it may have left already
  });
}

// ---- join

void Lifecycle::join(ports::ApiId id, const docker::SwarmJoin& wish) {
  auto token = control::parse_join_token(wish.token);
  if (!token) return host_.answer(id, token.error());
  const auto where = addresses(wish.listen_addr, wish.advertise_addr);
  if (!where) return host_.answer(id, where.error());
  Joining joining;
  joining.id = id;
  joining.token = *token;
  joining.listen = where->listen;
  joining.advertise = where->advertise;
  for (const auto& text : wish.remote_addrs) {
    const auto target = Address::parse(text, model::kManagementPort);
    if (!target)
      return host_.answer(id, plain_error(Code::invalid_argument,
                                          "cannot join at " + text +
                                              ": names are not looked up, write the manager's IP address "
                                              "(with optional port number)"));
    joining.targets.push_back(*target);
  }
  if (joining.targets.empty())
    return host_.answer(id, plain_error(Code::invalid_argument, "at least 1 RemoteAddr is required to join"));
  joining.request.request = core_.rng.next();
  joining.request.token = wish.token;
  joining.request.description = core_.options.description;
  joining.request.availability = wish.availability;
  joining.request.addr = joining.advertise.str();
  joining.give_up = core_.now + kJoinPatience;
  joining.lose_hope = core_.now + kDialPatience;
  joining_ = std::move(joining);
  error_.clear();
  ask_to_join();
}

void Lifecycle::ask_to_join() {
  joining_->resend = core_.now + kResend;
  const Address target = joining_->targets[joining_->next_target % joining_->targets.size()];
  joining_->link = core_.links.to(target, core_.now);
  if (joining_->link != 0) core_.links.send(joining_->link, wire::Message(joining_->request));
}

void Lifecycle::on_link_closed(ports::LinkId link) {
  if (joining_ && joining_->stage == JoinStage::asking && joining_->link == link) {
    joining_->link = 0;
    ++joining_->next_target;
  }
}

void Lifecycle::on_join_reply(const wire::JoinReply& reply) {
  if (!joining_ || joining_->stage != JoinStage::asking || reply.request != joining_->request.request) return;
  if (reply.leader) {
    joining_->targets.insert(joining_->targets.begin(), *reply.leader);
    joining_->next_target = 0;
    return ask_to_join();
  }
  // The token's digest first: a manager of another swarm may say anything.
  const auto trusted =
      control::check_root_digest(joining_->token, core_.ports.crypto.sha256(reply.root_cert_pem));
  if (!trusted) return fail_join(trusted.error());
  if (reply.error) return fail_join(*reply.error);
  become_member(reply);
}

void Lifecycle::fail_join(const Error& error) {
  const ports::ApiId id = joining_->id;
  joining_.reset();
  error_ = error.message;
  host_.close_links();
  if (id != 0) host_.answer(id, error);
}

void Lifecycle::become_member(const wire::JoinReply& reply) {
  Identity identity;
  identity.node = reply.node;
  identity.cluster = reply.cluster;
  identity.role = model::NodeRole::worker;  // a manager once it is in the Raft group
  identity.listen = joining_->listen;
  identity.advertise = joining_->advertise;
  identity.root_cert_pem = reply.root_cert_pem;
  identity.managers = reply.managers;
  joining_->stage = reply.role == model::NodeRole::manager ? JoinStage::raft : JoinStage::session;
  core_.identity = identity;
  ready_ = false;
  host_.close_links();  // the next ones open with our name
  core_.links.set_hello(core_.hello());
  core_.commit(save_identity(identity), [this] {
    if (core_.identity) host_.start_agent();
  });
}

// ---- into the Raft group

void Lifecycle::on_session_facts(const agent::SessionFacts& facts) {
  if (!core_.identity || leaving_) return;
  if (!facts.managers.empty() && facts.managers != core_.identity->managers) {
    core_.identity->managers = facts.managers;
    core_.commit(save_identity(*core_.identity), {});
  }
  role_wanted_ = facts.role;
  ready_ = facts.ready;
  if (core_.outdated) return on_session_facts_while_outdated(facts);
  const Replica* replica = host_.replica();
  if (replica == nullptr) {
    if (facts.role == model::NodeRole::manager) {
      start_raft_join();
    } else {
      error_.clear();  // what kept it out of the group is no error of a worker
      if (std::exchange(raft_joining_, std::nullopt)) core_.ports.transport.stop_listening();
    }
    return;
  }
  // A deposed leader may not have heard yet that this node is a manager (again): its word is older than what
  // this node has applied.
  if (initialising_ || facts.version < replica->store().version()) return;
  const bool member = std::any_of(facts.managers.begin(), facts.managers.end(),
                                  [&](const auto& peer) { return peer.raft_id == replica->raft_id(); });
  if (facts.role == model::NodeRole::worker || !member) demote();
}

// It stays the member that it is until it is upgraded, or taken out of the group.
void Lifecycle::on_session_facts_while_outdated(const agent::SessionFacts& facts) {
  if (facts.version < core_.outdated->version) return;
  const bool member = std::any_of(facts.managers.begin(), facts.managers.end(),
                                  [&](const auto& peer) { return peer.raft_id == core_.identity->raft_id; });
  if (!member) demote();
}

void Lifecycle::start_raft_join() {
  if (raft_joining_ || wiping_ || leaving_) return;
  if (const auto listening = listen(core_.identity->listen); !listening) {
    error_ = listening.error().message;
    raft_retry_ = core_.now + kRaftRetry;
    if (joining_) fail_join(listening.error());
    return;
  }
  raft_retry_ = Instant::never();
  raft_joining_ = RaftJoining{core_.rng.next(), core_.now, std::nullopt};
  ask_to_join_raft();
}

void Lifecycle::ask_to_join_raft() {
  raft_joining_->resend = core_.now + kResend;
  const wire::RaftJoinRequest request{raft_joining_->request, core_.identity->node,
                                      core_.identity->advertise};
  if (raft_joining_->leader) {
    core_.links.send_to(*std::exchange(raft_joining_->leader, std::nullopt), wire::Message(request),
                        core_.now);
    return;
  }
  // Whoever leads answers; the others say who does.
  for (const auto& peer : core_.identity->managers)
    if (peer.node != core_.identity->node)
      core_.links.send_to(peer.address, wire::Message(request), core_.now);
}

void Lifecycle::on_raft_join_reply(const wire::RaftJoinReply& reply) {
  if (!raft_joining_ || reply.request != raft_joining_->request || host_.replica() != nullptr) return;
  if (reply.leader) {
    raft_joining_->leader = reply.leader;
    return ask_to_join_raft();
  }
  raft_joining_.reset();
  if (reply.error) {
    error_ = reply.error->message;
    core_.ports.transport.stop_listening();
    if (joining_) {
      const ports::ApiId id = std::exchange(joining_, std::nullopt)->id;
      if (id != 0) host_.answer(id, *reply.error);
      forget_everything();
    } else {
      raft_retry_ = core_.now + kRaftRetry;
    }
    return;
  }
  error_.clear();
  core_.identity->raft_id = reply.raft_id;
  core_.identity->role = model::NodeRole::manager;
  core_.identity->managers = reply.members;
  core_.links.set_hello(core_.hello());
  ready_ = false;
  // Links that were opened as a worker's go: their peers would refuse a manager's words on them.
  host_.close_links();
  host_.start_replica(Replica::join(core_, reply.raft_id, reply.members));
  // Batches are done in their order: the member's state is on disk before the name that speaks of it.
  core_.commit(save_identity(*core_.identity), [this, raft_id = reply.raft_id] {
    if (host_.replica() != nullptr && host_.replica()->raft_id() == raft_id) host_.replica()->begin();
  });
}

// The identity first: a manager's state that no identity speaks of is wiped at the next start.
void Lifecycle::demote() {
  host_.stop_replica();
  core_.outdated.reset();
  core_.ports.transport.stop_listening();
  core_.identity->role = model::NodeRole::worker;
  core_.identity->raft_id = 0;
  host_.close_links();
  core_.links.set_hello(core_.hello());
  wiping_ = true;
  core_.commit(save_identity(*core_.identity), [this] {
    wiping_ = false;
    if (host_.replica() == nullptr) core_.ports.disk.wipe_manager();  // not what a new swarm put there
    join_raft_if_wanted();
  });
}

void Lifecycle::join_raft_if_wanted() {
  raft_retry_ = Instant::never();
  if (core_.identity && role_wanted_ == model::NodeRole::manager && host_.replica() == nullptr)
    start_raft_join();
}

// ---- leave

void Lifecycle::leave(ports::ApiId id, const docker::SwarmLeave&) {
  if (leaving_)
    return host_.answer(id, plain_error(Code::failed_precondition, "this node is leaving already"));
  raft_joining_.reset();
  give_up_coming();
  leaving_ = Leaving{id, core_.rng.next(), false, false, core_.now, core_.now + kLeavePatience};
  const bool last = host_.replica() != nullptr && host_.replica()->voters().size() <= 1 && host_.leads();
  leaving_->told = last || !core_.identity;
  tell_leader_of_leaving();
}

void Lifecycle::tell_leader_of_leaving() {
  if (leaving_->told || !core_.identity) return;
  leaving_->resend = core_.now + kResend;
  // Hand over first: a leader cannot see to its own departure.
  if (host_.leads()) return host_.replica()->transfer_leadership(host_.replica()->successor());
  const wire::LeaveRequest request{leaving_->request, core_.identity->node};
  if (const auto leader = host_.leader_address()) {
    core_.links.send_to(*leader, wire::Message(request), core_.now);
    return;
  }
  for (const auto& peer : core_.identity->managers)
    if (peer.node != core_.identity->node)
      core_.links.send_to(peer.address, wire::Message(request), core_.now);
}

void Lifecycle::finish_leaving() {
  const ports::ApiId id = leaving_->id;
  leaving_.reset();
  forget_everything();
  if (id != 0) host_.answer(id, docker::OperationResult{});
}

// Whoever waits for this node to be in a swarm waits no more.
void Lifecycle::give_up_coming() {
  const Error gone = plain_error(Code::aborted, "the node left the swarm meanwhile");
  const ports::ApiId joined = joining_ ? joining_->id : 0;
  const ports::ApiId begun = initialising_ ? init_id_ : 0;
  joining_.reset();
  initialising_ = false;
  if (joined != 0) host_.answer(joined, gone);
  if (begun != 0) host_.answer(begun, gone);
}

void Lifecycle::forget_everything() {
  host_.stop_agent();
  host_.stop_replica();
  core_.ports.transport.stop_listening();
  host_.close_links();
  core_.outdated.reset();
  core_.identity.reset();
  core_.links.set_hello(core_.hello());
  core_.ports.disk.wipe_all();
  give_up_coming();
  raft_joining_.reset();
  raft_retry_ = Instant::never();
  role_wanted_ = model::NodeRole::worker;
}

void Lifecycle::on_removed() {
  if (leaving_) {
    leaving_->told = true;
    return;
  }
  // Out of the swarm by a manager's word: stop the tasks, forget the swarm.
  leaving_ = Leaving{0, 0, true, false, core_.now, core_.now};
  error_ = "this node was removed from the swarm";
}

// ---- the rest

void Lifecycle::on_message(ports::LinkId, const wire::Message& message) {
  if (const auto* join_reply = std::get_if<wire::JoinReply>(&message)) on_join_reply(*join_reply);
  if (const auto* raft_reply = std::get_if<wire::RaftJoinReply>(&message)) on_raft_join_reply(*raft_reply);
  if (const auto* leave_reply = std::get_if<wire::LeaveReply>(&message)) {
    if (leaving_ && leave_reply->request == leaving_->request && !leave_reply->leader) leaving_->told = true;
  }
}

void Lifecycle::run() {
  // Its own log says that it is out: whatever it shall be, it is not this member any more.
  if (core_.identity && !leaving_ && host_.replica() != nullptr &&
      host_.replica()->was_removed(core_.identity->raft_id))
    demote();
  finish_init();
  finish_join();
  if (leaving_ && leaving_->told && !leaving_->draining) {
    leaving_->draining = true;
    if (host_.worker() != nullptr) host_.worker()->drain(core_.now, core_.wall());
  }
  if (leaving_ && leaving_->draining && (host_.worker() == nullptr || host_.worker()->idle()))
    finish_leaving();
}

void Lifecycle::finish_init() {
  if (!initialising_) return;
  // Lost again before it came to rest: its patience begins anew, for a deadline that is over wakes at once.
  if (!host_.leads() || host_.worker() == nullptr || !host_.worker()->in_session())
    return init_settle_by_.reset();
  if (!has_settled(host_.is_settled_in(), init_settle_by_)) return;
  initialising_ = false;
  host_.answer(init_id_, docker::OperationResult{core_.identity->node});
}

void Lifecycle::finish_join() {
  if (!joining_ || joining_->stage == JoinStage::asking) return;
  const bool in_session = host_.worker() != nullptr && host_.worker()->in_session();
  const bool in_group = host_.replica() != nullptr && host_.replica()->leader() != 0 &&
                        host_.replica()->voters().contains(core_.identity->raft_id);
  const bool as_manager = joining_->stage == JoinStage::raft;
  if (as_manager ? !in_group : !in_session) return joining_->settle_by.reset();
  const bool settled = in_session && ready_ && (!as_manager || host_.is_settled_in());
  if (!has_settled(settled, joining_->settle_by)) return;
  const ports::ApiId id = joining_->id;
  joining_.reset();
  if (id != 0) host_.answer(id, docker::OperationResult{core_.identity->node});
}

// It is in the swarm: has it come to rest, or waited long enough for that?
bool Lifecycle::has_settled(bool settled, std::optional<Instant>& settle_by) {
  if (!settle_by) settle_by = core_.now + kSettlePatience;
  return settled || *settle_by <= core_.now;
}

void Lifecycle::on_deadline() {
  if (joining_ && joining_->id != 0 && joining_->give_up <= core_.now) {
    const ports::ApiId id = std::exchange(joining_->id, 0);
    host_.answer(id, Error{Code::unavailable, kJoinTimeout, {}, false, 503});
  }
  if (joining_ && joining_->stage == JoinStage::asking && joining_->resend <= core_.now) {
    if (joining_->link == 0 && joining_->lose_hope <= core_.now) {
      return fail_join(rpc_error(Code::unavailable, "no manager answers at " +
                                                        joining_->targets.front().str() +
                                                        ": check the address, and that the manager runs"));
    }
    ask_to_join();
  }
  if (raft_joining_ && raft_joining_->resend <= core_.now) ask_to_join_raft();
  if (raft_retry_ <= core_.now) join_raft_if_wanted();
  if (leaving_ && !leaving_->told) {
    if (leaving_->give_up <= core_.now) {
      leaving_->told = true;  // nobody answers: it is our own decision
    } else if (leaving_->resend <= core_.now) {
      tell_leader_of_leaving();
    }
  }
}

Instant Lifecycle::next_deadline() const {
  Instant next = Instant::never();
  if (joining_ && joining_->id != 0) next = std::min(next, joining_->give_up);
  if (joining_ && joining_->stage == JoinStage::asking) next = std::min(next, joining_->resend);
  if (raft_joining_) next = std::min(next, raft_joining_->resend);
  next = std::min(next, raft_retry_);
  if (initialising_ && init_settle_by_) next = std::min(next, *init_settle_by_);
  if (joining_ && joining_->settle_by) next = std::min(next, *joining_->settle_by);
  if (leaving_ && !leaving_->told) next = std::min({next, leaving_->resend, leaving_->give_up});
  return next;
}

}  // namespace swarm::node
