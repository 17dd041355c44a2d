// The public face, a node's start and its orderly stop. Events are in events.cpp, the turn is in turn.cpp.
#include "node/node.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/mistake.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "control/feature_level.hpp"
#include "docker/answer.hpp"
#include "docker/api.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/agent_part.hpp"
#include "node/api_router.hpp"
#include "node/certificates.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/impl.hpp"
#include "node/lifecycle.hpp"
#include "node/replica_disk.hpp"
#include "node/replica_recovery.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "ports/left_key.hpp"
#include "ports/ports.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

// Of each reason to be sidelined.
constexpr const char* kWarnings[] = {"warning.outdated", "warning.forgetful", "warning.state",
                                     "warning.disk"};

Error wrong(const std::string& what) {
  return {Code::data_loss, "swarm/certificates in the data root cannot be used: " + what,
          "put this node's own files back; or start with an empty data root and join again", false, 0};
}

// The files of another node would make this one speak in its name.
Result<void> check_certificate(const Identity& identity, ports::Crypto& crypto) {
  if (identity.certificate_pem.empty()) return {};
  const auto says = crypto.read_certificate(identity.certificate_pem);
  if (!says) return wrong("swarm-node.crt is no node's certificate");
  if (says->node != identity.node || says->cluster != identity.cluster)
    return wrong("swarm-node.crt is that of node " + says->node.str() + " in swarm " + says->cluster.str() +
                 ", and this is node " + identity.node.str() + " in swarm " + identity.cluster.str());
  if (identity.key_pem.empty()) return wrong("swarm-node.key is missing");
  if (identity.root_cert_pem.empty()) return wrong("swarm-root-ca.crt is missing");
  return {};
}

}  // namespace

Node::Node(NodeOptions options, ports::Ports ports)
    : impl_(std::make_unique<Impl>(std::move(options), ports)) {}
Node::~Node() = default;

Result<void> Node::start(Instant now) { return impl_->start(now); }
void Node::handle(ports::Event event) { impl_->handle(std::move(event)); }
void Node::turn(Instant now) { impl_->turn(now); }
Instant Node::next_deadline() const { return impl_->next_deadline(); }
void Node::shut_down(Instant now) { impl_->shut_down(now); }
bool Node::stopped() const { return impl_->stopped(); }
Inspection Node::inspect() const { return impl_->inspect(); }
Visible Node::visible() const { return impl_->visible(); }
void Node::reseed(std::uint64_t seed) { impl_->reseed(seed); }
docker::Looked Node::look(const http::Request& request, Instant now, bool leaderless,
                          const docker::Learnt& learnt) const {
  return impl_->look(request, now, leaderless, learnt);
}
docker::Answer Node::without_leader() {
  docker::Answer answer = docker::Api::refusal(ApiRouter::no_leader());
  ApiRouter::say_nothing_done(answer.head);
  return answer;
}

Node::Impl::Impl(NodeOptions options, ports::Ports ports)
    : core_(std::move(options), ports),
      refusals_(core_),
      router_(core_.rng),
      lifecycle_(core_.options, core_.identity, core_.rng, core_.ports.crypto) {
  core_.links.set_source(core_.options.address);
  core_.options.description.feature_level = core_.options.build.feature_level;
  local_.description = core_.options.description;
  local_.hostname = core_.options.description.hostname;
  local_.data_root = core_.options.data_root;
  local_.operating_system = core_.options.operating_system;
  local_.os_version = core_.options.os_version;
  local_.kernel_version = core_.options.kernel_version;
  local_.overlay_networks = core_.options.overlay_networks;
  local_.engine_labels = core_.options.description.engine_labels;
}

Node::Impl::~Impl() {
  if (!agent_) return;
  core_.ports.mesh.leave();
  core_.ports.overlay.leave();
}

Result<void> Node::Impl::start(Instant now) {
  core_.now = now;
  local_.started_at = core_.wall();
  if (!core_.ports.disk.locked()) return enter();
  if (const auto what = damage_of_certificates(core_.ports.disk, core_.ports.crypto); !what.empty())
    return wrong(what);
  lifecycle_.on_locked();
  core_.links.set_hello(core_.hello());
  return {};
}

// Where it could not go on, it is as before: a client may give the key again.
Result<void> Node::Impl::enter_unlocked() {
  auto entered = enter();
  if (entered) return entered;
  if (replica_) core_.ports.transport.stop_listening();
  replica_.reset();
  agent_.reset();
  core_.identity.reset();
  return entered;
}

Result<void> Node::Impl::enter() {
  auto loaded = load_identity(core_.ports.disk);
  if (!loaded) return loaded.error();
  const std::optional<Identity>& identity = *loaded;
  if (!identity) {
    // A manager's state without a name is an init that a crash cut short, when nothing was promised yet; or a
    // way out that was.
    if (!core_.ports.disk.mark().empty() && !core_.ports.disk.get(ports::Family::format, ports::kLeftKey))
      return Error{
          Code::data_loss,
          "the data root is corrupt: node.log has lost this node's identity, and a "
          "manager's promises are there (raft.mark)",
          "restore the data root from a copy of this moment; or keep it aside, and join as a new node", false,
          0};
    if (core_.ports.disk.has_manager_state()) core_.ports.disk.wipe_manager();
    core_.links.set_hello(core_.hello());
    return {};
  }
  if (const auto what = damage_of_certificates(core_.ports.disk, core_.ports.crypto); !what.empty())
    return wrong(what);
  if (const auto fits = check_certificate(*identity, core_.ports.crypto); !fits) return fits;
  core_.identity = *identity;
  if (const auto replica = start_replica(); !replica) return replica;
  if (const auto certified = certify_itself(); !certified) return certified;
  lifecycle_.resume(core_.ports.disk.lock(), core_.now, core_.wall());
  settle(lifecycle_);
  core_.links.set_hello(core_.hello());
  return start_agent();
}

// A manager's data root of a version without certificates holds what one is made with.
Result<void> Node::Impl::certify_itself() {
  Identity& identity = core_.own_identity();
  const auto* cluster = replica_ ? replica_->store().cluster() : nullptr;
  if (!identity.certificate_pem.empty()) return show(credentials_of(identity));
  if (cluster == nullptr || cluster->root_ca.key_pem.empty()) return {};
  auto own = core_.ports.crypto.make_request();
  auto certificate = sign(core_.ports.crypto, cluster->root_ca, own.request_pem,
                          ca::to_issue(identity.node, model::NodeRole::manager, cluster->id,
                                       cluster->spec.ca.node_cert_expiry, core_.wall()));
  if (!certificate) return certificate.error();
  identity.certificate_pem = std::move(*certificate);
  identity.key_pem = std::move(own.key_pem);
  core_.commit(save_certificates(identity));
  return show(credentials_of(identity));
}

Result<void> Node::Impl::start_replica() {
  const Identity& own = core_.own_identity();
  const std::uint64_t raft_id = own.raft_id;
  // Raft state without a Raft id (an unfinished join, a past membership) is of no use: no node may speak for
  // it.
  if (raft_id == 0 && core_.ports.disk.has_manager_state()) core_.ports.disk.wipe_manager();
  if (raft_id == 0) return {};
  if (const auto unusable = core_.ports.disk.unusable()) {
    stop_unusable(*unusable);
    return {};
  }
  if (const auto level = stored_level(core_.ports.disk); level > core_.options.build.feature_level) {
    stop_outdated(level, stored_version(core_.ports.disk));
    return {};
  }
  if (!core_.ports.disk.has_manager_state()) return stop_forgetful("its Raft state is gone", 0);
  auto state = load_replica(core_.ports.disk);
  if (const auto unusable = core_.ports.disk.unusable()) {
    stop_unusable(*unusable);
    return {};
  }
  if (!state) return stop_forgetful(state.error().message, 0);
  // Its former state was wiped for a new member, and a crash came before the node's identity named that one.
  if (state->raft_id != raft_id) return stop_forgetful("its Raft state is that of a member-to-be", 0);
  const std::string forgotten = what_is_forgotten(*state, core_.ports.disk.mark());
  if (!forgotten.empty() && !SWARM_MISTAKE("node.votes-after-its-disk-forgot"))
    return stop_forgetful(forgotten, state->applied);
  auto replica = Replica::load(core_, std::move(*state));
  if (!replica) return stop_forgetful(replica.error().message, 0);
  // Where it listened before; the address may be taken meanwhile.
  if (own.role == model::NodeRole::manager)
    if (const auto listening = core_.ports.transport.listen(own.listen); !listening) return listening;
  replica_ = std::move(*replica);
  if (replica_->voters() == std::set<std::uint64_t>{replica_->raft_id()}) replica_->campaign();
  return {};
}

// To the other members it is as if it were down. Its agent goes on, and asks them for its session.
void Node::Impl::stop_outdated(model::FeatureLevel level, std::uint64_t version) {
  sideline(
      {Sidelined::Because::outdated, control::too_old(core_.options.build.feature_level, level), version});
}

// A vote or an acknowledgement of this member may be one of those that its disk has lost: another would be a
// second one.
Result<void> Node::Impl::stop_forgetful(const std::string& what, std::uint64_t version) {
  const Identity& own = core_.own_identity();
  const bool alone = std::none_of(own.managers.begin(), own.managers.end(),
                                  [&](const auto& peer) { return peer.node != own.node; });
  std::string why = "this manager's disk does not remember what it promised: " + what + ". ";
  if (!alone) {
    why +=
        "It does not vote, and joins the managers again as a new member as soon as a majority of them is "
        "there";
  } else {
    why += "It is the only manager, so that no other can give it back: restore the data root from a copy";
    if (!core_.ports.disk.unusable())
      why += ", or go on with what is there by docker swarm init --force-new-cluster";
  }
  sideline({Sidelined::Because::forgetful, std::move(why), version});
  return {};
}

void Node::Impl::stop_older_copy(raft::Index counted_on) {
  (void)stop_forgetful("the managers count on its entries up to " + std::to_string(counted_on) +
                           ", and its log ends at " + std::to_string(replica_->raft().last_index()) +
                           ": it looks like an older copy of its data root",
                       replica_->store().version());
}

// Its own log is as good as theirs, and its store is not: what it answers to a client, and what it plans as a
// leader, comes from the store.
void Node::Impl::stop_outvoted(raft::Index index) {
  const std::string why =
      "this manager's copy of the swarm's state at entry " + std::to_string(index) +
      " is not the one that a majority of the managers has: its disk, its memory or a defect has changed it. "
      "It does not vote, and joins the managers again as a new member, with their copy";
  sideline({Sidelined::Because::outvoted, why, replica_->store().version()});
}

// It stays the member that it is. Only the disk knows what of its last writes it has.
void Node::Impl::stop_failing(const std::string& why) {
  reopening_.failed(core_.now);
  if (lifecycle_.is_failing()) return;
  sideline({Sidelined::Because::failing,
            "this manager's disk fails: " + why +
                ". It neither votes nor acknowledges, and goes on by itself when the disk takes writes again",
            replica_ ? replica_->store().version() : 0});
}

void Node::Impl::stop_unusable(const ports::Unusable& unusable) {
  if (unusable.because == ports::Unusable::Because::failing) return stop_failing(unusable.why);
  (void)stop_forgetful("it is damaged (" + unusable.why + ")", 0);
}

void Node::Impl::sideline(Sidelined sidelined) {
  core_.trace(kWarnings[static_cast<std::size_t>(sidelined.because)], [&] { return sidelined.why; });
  lifecycle_.on_sidelined(std::move(sidelined));
  core_.is_silenced = lifecycle_.is_to_be_another();
  close_links();  // on new ones the leader tells again what it wants this node to be
  if (!replica_) return;
  carry_out(effect::StopReplica{});
  api_.changes_skipped();  // the next replica may begin before or after the last event
  core_.ports.transport.stop_listening();
}

// The replica has gone. The new one begins when its disk is written: nothing is committed before.
Result<void> Node::Impl::recover_replica(const wire::ManagerPeer& self) {
  if (const auto unusable = core_.ports.disk.unusable())
    return plain_error(Code::data_loss, "this manager's disk cannot be read: " + unusable->why);
  auto state = load_replica(core_.ports.disk);
  if (!state) return state.error();
  auto batch =
      group_of_one(std::move(*state), core_.ports.disk.mark(), self, core_.options.build, core_.wall());
  if (!batch) return batch.error();
  core_.commit(std::move(*batch), GroupStored{});
  return {};
}

Result<void> Node::Impl::begin_recovered() {
  core_.ports.transport.stop_listening();
  core_.is_silenced = false;
  if (const auto started = start_replica(); !started) return started;
  core_.links.set_hello(core_.hello());
  return {};
}

Result<void> Node::Impl::start_agent() {
  model::NodeDescription description = core_.options.description;
  const Identity& own = core_.own_identity();
  if (!own.certificate_pem.empty())
    description.tls = tls_info_of(core_.ports.crypto, own.certificate_pem, own.root_cert_pem);
  agent_ = std::make_unique<AgentPart>(core_.next_life(), own, description, core_.rng.fork());
  auto started = agent_->start(core_.ports.disk, own.cluster, times());
  settle_agent();
  return started;
}

void Node::Impl::reseed(std::uint64_t seed) {
  core_.rng = Rng(seed);
  core_.links.reseed(core_.rng.fork());
  if (agent_) agent_->worker().reseed(core_.rng.fork());
  if (replica_) replica_->reseed(core_.rng.next());
  if (leader_) leader_->loops.reseed(core_.rng);
}

// ---- orderly stop

void Node::Impl::shut_down(Instant now) {
  core_.now = now;
  shutting_down_ = true;
  if (leader_) replica_->transfer_leadership(replica_->successor());
  if (agent_) agent_->drain(times());
}

bool Node::Impl::stopped() const {
  return shutting_down_ && (!agent_ || agent_->worker().idle()) && core_.disk_idle();
}

}  // namespace swarm::node
