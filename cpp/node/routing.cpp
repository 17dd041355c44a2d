// Routing: carries out what the parts of a node want. An effect happens before the next event reaches any
// part, and all that it makes other parts want happens before the next effect: as if parts had called one
// another, but no part is ever called while it is at work.
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "ca/policy.hpp"
#include "control/feature_level.hpp"
#include "control/join.hpp"
#include "docker/api.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/api_request.hpp"
#include "node/certificates.hpp"
#include "node/effects.hpp"
#include "node/impl.hpp"
#include "node/node.hpp"
#include "ports/disk.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

template <class AnyPart>
void Node::Impl::settle(AnyPart& part) {
  while (auto effect = part.next_effect())
    std::visit([this](auto&& one) { this->carry_out(std::forward<decltype(one)>(one)); }, std::move(*effect));
}

// It may end by an effect of its own.
void Node::Impl::settle_agent() {
  while (agent_) {
    auto effect = agent_->next_effect();
    if (!effect) return;
    std::visit([this](auto&& one) { this->carry_out(std::forward<decltype(one)>(one)); }, std::move(*effect));
  }
}

template void Node::Impl::settle(Lifecycle&);
template void Node::Impl::settle(LogHub&);
template void Node::Impl::settle(ApiRouter&);

// ---- to other nodes

void Node::Impl::carry_out(effect::SendOn effect) {
  if (effect.link != kLocalLink) return core_.links.send(effect.link, std::move(effect.message));
  logs_.on_message({kLocalLink, core_.self()}, effect.message, core_.now);
  settle(logs_);
}

void Node::Impl::carry_out(effect::SendTo effect) {
  core_.links.send_to(effect.address, std::move(effect.message), core_.now);
}

void Node::Impl::carry_out(effect::AskToJoin effect) {
  const ports::LinkId link = core_.links.to(effect.address, core_.now);
  if (link != 0) core_.links.send(link, std::move(effect.request));
  lifecycle_.on_asked(link);
}

void Node::Impl::carry_out(const effect::AskOwnLeader& effect) {
  if (!leader_ || !core_.identity) return;  // it asks again
  const wire::CertificateReply reply = leader_->membership.certify(core_.identity->node, effect.request);
  lifecycle_.on_message({kLocalLink, core_.self()}, reply, surroundings());
}

void Node::Impl::carry_out(const effect::AskOwnStore& effect) {
  const auto* cluster = replica_ ? replica_->store().cluster() : nullptr;
  if (cluster == nullptr || !core_.identity) return;
  wire::CertificateReply reply;
  reply.request = effect.request.request;
  auto certificate = sign(core_.ports.crypto, cluster->root_ca, effect.request.certificate_request_pem,
                          ca::to_issue(core_.identity->node, model::NodeRole::manager, cluster->id,
                                       cluster->spec.ca.node_cert_expiry, core_.wall()));
  if (certificate) {
    reply.certificate_pem = std::move(*certificate);
  } else {
    reply.error = certificate.error();
  }
  lifecycle_.on_message({kLocalLink, core_.self()}, reply, surroundings());
}

void Node::Impl::carry_out(effect::DialManager effect) {
  const ports::LinkId link = core_.links.to(effect.address, core_.now);
  if (agent_) agent_->on_dialled(link, core_.links.peer(link) != nullptr, core_.now);
}

void Node::Impl::carry_out(effect::ToDispatcher effect) {
  if (leader_) leader_->mail.push_back(std::move(effect.message));
}

void Node::Impl::carry_out(effect::Listen effect) {
  lifecycle_.on_listening(core_.ports.transport.listen(effect.address), surroundings());
}

void Node::Impl::carry_out(effect::StopListening) { core_.ports.transport.stop_listening(); }
void Node::Impl::carry_out(effect::CloseLinks) { close_links(); }
void Node::Impl::carry_out(effect::SayHello) { core_.links.set_hello(core_.hello()); }

void Node::Impl::carry_out(effect::SetCredentials effect) {
  if (const auto shown = show(std::move(effect.credentials)); !shown)
    core_.trace("warning.certificate", [&] { return shown.error().message; });
}

// A manager lets every node's session be resumed at every other manager: their tickets are sealed with one
// key, which the swarm's root gives and takes.
Result<void> Node::Impl::show(ports::Credentials credentials) {
  const auto* cluster = replica_ ? replica_->store().cluster() : nullptr;
  if (cluster != nullptr && !cluster->root_ca.key_pem.empty() && !credentials.certificate_pem.empty())
    credentials.ticket_key = core_.ports.crypto.sha256("session tickets\n" + cluster->root_ca.key_pem);
  if (credentials == credentials_) return {};
  auto taken = core_.links.set_credentials(credentials);
  if (taken) credentials_ = std::move(credentials);
  return taken;
}

// The store has the root's key (now, or another one); more nodes were removed.
void Node::Impl::note_cluster() {
  const auto* cluster = replica_->store().cluster();
  if (cluster == nullptr) return;
  if (cluster->removed_nodes.size() != removed_nodes_.size())
    removed_nodes_ = {cluster->removed_nodes.begin(), cluster->removed_nodes.end()};
  if (cluster->root_ca.key_pem == root_key_seen_) return;
  root_key_seen_ = cluster->root_ca.key_pem;
  lifecycle_.on_root(cluster->root_ca.cert_pem);
  settle(lifecycle_);
  carry_out(effect::SetCredentials{credentials_});
}

// Another key than that which locks its disk: so the disk follows, as on every manager.
void Node::Impl::note_unlock_key() {
  const auto* cluster = replica_->store().cluster();
  if (cluster == nullptr || cluster->unlock_key_number == lifecycle_.lock_number()) return;
  lifecycle_.on_unlock_key({cluster->unlock_key_number, cluster->unlock_key});
  settle(lifecycle_);
}

// ---- to the disk

// A disk that is open already is that of a node that could not start with it.
void Node::Impl::carry_out(const effect::Unlock& effect) {
  ports::Disk& disk = core_.ports.disk;
  const Result<bool> fits = disk.locked()
                                ? disk.unlock(effect.key)
                                : Result<bool>(control::equal_in_constant_time(disk.lock().key, effect.key));
  if (!fits) return lifecycle_.on_unlocked(effect.id, fits.error());
  if (!*fits) return lifecycle_.on_wrong_key(effect.id, surroundings());
  lifecycle_.on_unlocked(effect.id, enter_unlocked());
}

void Node::Impl::carry_out(effect::Store effect) { core_.commit(std::move(effect.batch), effect.waits); }
void Node::Impl::carry_out(effect::WipeReplica) {
  core_.ports.disk.wipe_manager();
  core_.is_silenced = false;
}
void Node::Impl::carry_out(effect::WipeAll) {
  core_.ports.disk.wipe_all();
  core_.is_silenced = false;
}

// ---- parts come and go

void Node::Impl::carry_out(effect::StartAgent) {
  carry_out(effect::StopAgent{});
  const auto started = start_agent();
  SWARM_CHECK(started.ok(), started.ok() ? "" : started.error().message);
}

void Node::Impl::carry_out(effect::StopAgent) {
  if (!agent_) return;
  agent_.reset();
  core_.ports.mesh.leave();
  core_.ports.overlay.leave();
}

void Node::Impl::carry_out(effect::DrainAgent) {
  if (agent_) agent_->drain(times());
  lifecycle_.run(surroundings());
}

void Node::Impl::carry_out(const effect::CreateReplica& effect) {
  replica_ = Replica::create(core_, effect.self, effect.first);
}

void Node::Impl::carry_out(const effect::JoinReplica& effect) {
  replica_ = Replica::join(core_, effect.raft_id, effect.members);
}

void Node::Impl::carry_out(effect::RecoverReplica effect) { recovering_ = effect.self; }

void Node::Impl::carry_out(effect::BeginReplica) { replica_->begin(); }

// The replica may be at work: it goes at the end of the round.
void Node::Impl::carry_out(effect::StopReplica) {
  step_down();
  replica_retired_ = true;
}

void Node::Impl::carry_out(effect::HandOver) { replica_->transfer_leadership(replica_->successor()); }

void Node::Impl::carry_out(const agent::SessionFacts& effect) {
  lifecycle_.on_session_facts(effect, surroundings());
  settle(lifecycle_);
}

void Node::Impl::carry_out(const agent::Refused& effect) {
  core_.trace("warning.refused", [&] { return effect.reason; });
  lifecycle_.on_refused(effect.reason);
}

void Node::Impl::carry_out(const agent::Removed&) {
  lifecycle_.on_removed(surroundings());
  settle(lifecycle_);
}

// ---- to the runner and the packet path

void Node::Impl::carry_out(const effect::Prepare& effect) { core_.ports.runner.prepare(effect.launch); }
void Node::Impl::carry_out(const agent::StartTask& effect) { core_.ports.runner.start(effect.task); }
void Node::Impl::carry_out(const agent::StopTask& effect) {
  core_.ports.runner.stop(effect.task, effect.grace, 0);
}
void Node::Impl::carry_out(const agent::RemoveTask& effect) { core_.ports.runner.remove(effect.task); }
void Node::Impl::carry_out(const effect::OpenLogs& effect) {
  logs_.on_opened(core_.ports.runner.open_logs(effect.task, effect.options));
}
void Node::Impl::carry_out(effect::CloseLogs effect) { core_.ports.runner.close_logs(effect.stream); }
void Node::Impl::carry_out(effect::JoinMesh effect) { core_.ports.mesh.join(effect.cluster, effect.node); }
void Node::Impl::carry_out(effect::SetTable effect) { core_.ports.mesh.set_table(std::move(effect.table)); }
void Node::Impl::carry_out(const effect::TaskUp& effect) { core_.ports.mesh.task_up(effect.task); }
void Node::Impl::carry_out(effect::TaskStopping effect) { core_.ports.mesh.task_stopping(effect.task); }
void Node::Impl::carry_out(effect::TaskGone effect) { core_.ports.mesh.task_gone(effect.task); }
void Node::Impl::carry_out(effect::JoinOverlay effect) { core_.ports.overlay.join(effect.node); }
void Node::Impl::carry_out(const agent::ChangeOverlay& effect) {
  core_.ports.overlay.change(effect.number, effect.change);
}
void Node::Impl::carry_out(const effect::Tell& effect) {
  core_.trace(effect.kind, [&] { return effect.text; });
}

// ---- to the API machine

void Node::Impl::carry_out(effect::Answer effect) {
  if (const ApiRequest* request = router_.find(effect.id))
    api_.request(effect.id, request->what, api_context());
}

void Node::Impl::carry_out(const effect::Fail& effect) { api_.fail(effect.id, effect.error); }
void Node::Impl::carry_out(const effect::Settled& effect) {
  api_.settled(effect.id, effect.outcome, api_context());
}
void Node::Impl::carry_out(effect::Abort effect) { api_.abort(effect.id); }
void Node::Impl::carry_out(const effect::NewsOfLogs& effect) {
  api_.log_news(effect.id, effect.news, api_context());
}
void Node::Impl::carry_out(const agent::ContainerEvent& effect) {
  ++container_events_;
  api_.observe(effect, api_context());
}
void Node::Impl::carry_out(const effect::OperationDone& effect) { operation_done(effect.id, effect.result); }

// ---- of requests, to the leader, the log and the clients

void Node::Impl::carry_out(effect::Forward effect) {
  router_.on_way(effect.id, core_.links.to(effect.leader, core_.now), moment());
}

void Node::Impl::carry_out(effect::CheckRead effect) { replica_->read_index(effect.context); }

void Node::Impl::carry_out(effect::BeginReply effect) {
  const std::uint32_t status = effect.head.status;
  if (status >= 100 && status < 600) ++core_.meters.answers[status / 100 - 1];
  core_.ports.api.begin(effect.id, std::move(effect.head));
}

void Node::Impl::carry_out(effect::PieceOfReply effect) {
  core_.ports.api.piece(effect.id, std::move(effect.bytes));
}

void Node::Impl::carry_out(effect::EndReply effect) {
  effect.cut ? core_.ports.api.cut(effect.id) : core_.ports.api.end(effect.id);
}

// ---- what the API machine wants

bool Node::Impl::settle_api() {
  std::vector<docker::Effect> effects = api_.take_effects();
  for (docker::Effect& effect : effects) {
    std::visit([this](auto&& one) { this->carry_out(std::forward<decltype(one)>(one)); }, std::move(effect));
    settle(router_);
  }
  return !effects.empty();
}

void Node::Impl::carry_out(docker::BeginReply effect) { router_.begin(effect.id, std::move(effect.head)); }
void Node::Impl::carry_out(docker::ReplyPiece effect) { router_.piece(effect.id, std::move(effect.bytes)); }
void Node::Impl::carry_out(docker::EndReply effect) { router_.end(effect.id); }
void Node::Impl::carry_out(docker::CutReply effect) { router_.cut(effect.id); }

void Node::Impl::carry_out(docker::Propose effect) {
  if (router_.find(effect.id) == nullptr) return;
  if (leader_) {
    const auto needed = needed_level(core_.options.build, effect.transaction);
    const auto may = control::may_propose(replica_->store(), needed, replica_->member_nodes());
    if (!may) return api_.fail(effect.id, may.error());
  }
  if (!leader_) return router_.on_proposed(effect.id, 0, core_.now);
  const auto proposal = replica_->propose_request(std::move(effect.transaction));
  if (!proposal) return api_.fail(effect.id, proposal.error());
  router_.on_proposed(effect.id, *proposal, core_.now);
}

void Node::Impl::carry_out(docker::Perform effect) {
  router_.on_performing(effect.id);
  std::visit([&](const auto& wish) { perform(effect.id, wish); }, effect.operation);
}

// What the API says next comes before its effects that are left.
void Node::Impl::carry_out(const docker::Ask& effect) {
  api_.told(effect.id, answer_to(effect.question), api_context());
  settle_api();
}

}  // namespace swarm::node
