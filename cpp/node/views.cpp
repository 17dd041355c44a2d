// What the API, a look and a checker see of the node: values, made for each of them.
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/overloaded.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/answer.hpp"
#include "docker/api.hpp"
#include "docker/inside.hpp"
#include "model/wire.hpp"
#include "node/api_router.hpp"
#include "node/core.hpp"
#include "node/impl.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"

namespace swarm::node {

void Node::Impl::show(docker::LocalNode& local, docker::RaftView& raft) const {
  local.state = lifecycle_.state();
  local.error = lifecycle_.error();
  local.control_available = replica_ != nullptr;
  local.is_leader = leader_ != nullptr;
  local.node = core_.identity ? core_.identity->node : NodeId();
  local.cluster = core_.identity ? core_.identity->cluster : ClusterId();
  local.node_addr = core_.identity ? core_.identity->advertise.host() : std::string();
  local.managers = core_.identity ? core_.identity->managers : std::vector<wire::ManagerPeer>();
  local.problems = problems();
  raft = replica_ ? replica_->view() : docker::RaftView{};
  if (replica_ && replica_->leader() == 0 && local.error.empty()) local.error = docker::kNoLeaderText;
}

std::vector<std::string> Node::Impl::problems() const {
  std::vector<std::string> out = agent_ ? agent_->mesh_problems() : std::vector<std::string>();
  if (!disk_waits_.empty())
    out.push_back("this node's disk fails: " + disk_waits_ +
                  ". Its tasks go on, and new ones wait for the disk");
  if (!replica_) return out;
  if (replica_->disk_pace().is_slow())
    out.push_back("this manager's disk is slow: a durable write takes " +
                  std::to_string(replica_->disk_pace().typical().ns / 1'000'000) +
                  " ms. It does not lead as long as another manager can");
  if (std::string differ = replica_->state_problem(); !differ.empty()) out.push_back(std::move(differ));
  if (std::string other = other_group_problem(); !other.empty()) out.push_back(std::move(other));
  if (leader_)
    for (std::string& waits : leader_->membership.waits()) out.push_back(std::move(waits));
  return out;
}

std::string Node::Impl::other_group_problem() const {
  const NodeId other = other_group_.present(core_.now);
  if (other.empty() || !replica_) return {};
  const auto node = replica_->store().node(other);
  const std::string name = node ? node->display_name() + " (" + node->status.addr + ")" : other.str();
  return "there are two swarms with this one's identity: manager " + name +
         " is in another Raft group. Managers that a --force-new-cluster left behind came back and elected a "
         "leader of their own. What one of the two acknowledges, the other does not know. Decide which one "
         "stays; at each manager of the other one: docker swarm leave --force, then join again";
}

docker::Context Node::Impl::api_context() {
  show(local_, raft_view_);
  return docker::Context{replica_ ? &replica_->store() : nullptr,
                         local_,
                         raft_view_,
                         agent_ ? &agent_->worker() : nullptr,
                         core_.ports.runner,
                         core_.ports.crypto,
                         core_.rng,
                         core_.now,
                         core_.wall()};
}

docker::Told Node::Impl::answer_to(const docker::Question& question) const {
  using docker::Told;
  return std::visit(Overloaded{[&](const docker::AskRaft&) -> Told {
                                 return replica_ ? replica_->detail() : docker::RaftDetail();
                               },
                               [&](const docker::AskRaftLog& asked) -> Told {
                                 return replica_ ? replica_->log_part(asked) : docker::RaftLogPart();
                               },
                               [&](const docker::AskRaftPast& asked) -> Told {
                                 return replica_ ? replica_->past(asked.after) : docker::RaftPast();
                               },
                               [&](const docker::AskMetrics&) -> Told { return metrics(); }},
                    question);
}

docker::Looked Node::Impl::look(const http::Request& request, Instant now, bool leaderless,
                                const docker::Learnt& learnt) const {
  docker::LocalNode local = local_;
  docker::RaftView raft;
  show(local, raft);
  if (leaderless) raft.leader = 0;
  Rng rng = core_.rng;  // a copy: no chance is drawn
  const docker::Context context{replica_ ? &replica_->store() : nullptr,
                                local,
                                raft,
                                agent_ ? &agent_->worker() : nullptr,
                                core_.ports.runner,
                                core_.ports.crypto,
                                rng,
                                now,
                                core_.wall()};
  docker::Looked seen = api_.look(request, context, learnt);
  if (const auto* question = std::get_if<docker::Question>(&seen))
    seen = api_.look(request, context, answer_to(*question));
  if (auto* answer = std::get_if<docker::Answer>(&seen)) ApiRouter::say_nothing_done(answer->head);
  return seen;
}

Visible Node::Impl::visible() const {
  std::uint64_t shown = fold(kFnvStart, container_events_);
  shown = fold(shown, static_cast<std::uint64_t>(lifecycle_.state()) << 32 | lifecycle_.error().size());
  if (agent_) shown = fold(shown, agent_->mesh_problems().size());
  if (!disk_waits_.empty()) shown = fold(shown, disk_waits_.size());
  if (!replica_) return {shown, 0};
  if (replica_->disk_pace().is_slow())
    shown = fold(shown, static_cast<std::uint64_t>(replica_->disk_pace().typical().ns));
  shown = fold(shown, fnv1a(replica_->state_problem()));
  if (const NodeId other = other_group_.present(core_.now); !other.empty())
    shown = fold(shown, fnv1a(other.str()));
  if (leader_)
    for (const std::string& waits : leader_->membership.waits()) shown = fold(shown, fnv1a(waits));
  return {fold(shown, replica_->visible_swarm()), replica_->visible_raft()};
}

Inspection Node::Impl::inspect() const {
  Inspection out;
  if (replica_) {
    out.raft = &replica_->raft();
    out.log = &replica_->log();
    out.store = &replica_->store();
    out.members = &replica_->members();
    out.removed = &replica_->removed();
    out.group = &replica_->group();
    out.raft_id = replica_->raft_id();
    out.writes_log = replica_->busy();
    out.is_manager = true;
    out.is_leader = leader_ != nullptr;
  }
  if (agent_) out.worker = &agent_->worker();
  if (core_.identity) {
    out.id = core_.identity->node;
    out.cluster = core_.identity->cluster;
  }
  out.state = lifecycle_.state();
  return out;
}

}  // namespace swarm::node
