// What the parts see of the node: values, made when a part is called.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/address.hpp"
#include "base/id.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "node/effects.hpp"
#include "node/impl.hpp"
#include "node/leadership.hpp"
#include "node/lifecycle.hpp"
#include "node/log_hub.hpp"
#include "node/node.hpp"
#include "node/permissions.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

// Ready to lead is this node only with its loops: between an election and the first of them it is merely
// elected.
Leadership Node::Impl::leadership() const {
  if (!replica_) return leadership_from_aside();
  Leadership out = replica_->leadership();
  out.stage = leader_ ? Leadership::Stage::leading : std::min(out.stage, Leadership::Stage::elected);
  if (out.leader != 0 && out.leader != replica_->raft_id()) out.address = replica_->address_of(out.leader);
  return out;
}

// While its disk fails it is a manager that asks the leader for everything: its agent has found the leader.
Leadership Node::Impl::leadership_from_aside() const {
  Leadership out;
  if (!lifecycle_.is_failing() || !agent_ || !agent_->worker().in_session()) return out;
  out.stage = Leadership::Stage::following;
  if (const Address* leader = core_.links.remote(agent_->link())) out.address = *leader;
  return out;
}

Surroundings Node::Impl::surroundings() const {
  Surroundings out;
  out.now = core_.now;
  out.wall = core_.wall();
  const Leadership who_leads = leadership();
  out.leads = who_leads.leads();
  out.leader = who_leads.address;
  if (agent_) out.in_session = agent_->worker().in_session();
  out.idle = !agent_ || agent_->worker().idle();
  if (!replica_) return out;
  const auto& voters = replica_->group().voters;
  out.is_manager = true;
  out.raft_id = replica_->raft_id();
  out.version = replica_->store().version();
  out.voters = voters.size();
  out.knows_leader = who_leads.leader != 0;
  if (!core_.identity) return out;
  const std::uint64_t own = core_.identity->raft_id;
  out.votes = std::find(voters.begin(), voters.end(), own) != voters.end();
  out.was_removed = replica_->was_removed(own);
  out.is_settled = is_settled();
  return out;
}

bool Node::Impl::is_settled() const {
  const auto own = replica_->store().node(core_.own_identity().node);
  if (!own || own->status.state != model::NodeState::ready || own->role != model::NodeRole::manager)
    return false;
  return !leader_ || leader_->loops.dispatcher().is_settled(own->id);
}

Hearer Node::Impl::hearer(const model::Principal& who) const {
  Hearer out;
  if (core_.identity) out.cluster = core_.identity->cluster;
  if (agent_) out.removed_nodes = &agent_->removed_nodes();
  if (!replica_) return out;
  out.raft_id = replica_->raft_id();
  out.members = &replica_->members();
  out.removed = &replica_->removed();
  out.removed_nodes = &removed_nodes_;
  if (replica_->raft().hears_leader()) out.leader = replica_->raft().leader();
  if (out.leader != 0 || out.members->contains(who.raft_id)) return out;
  if (const auto node = replica_->store().node(who.node);
      node && ca::role_of(*node) == model::NodeRole::worker)
    out.worker_as_of = node->meta.updated_at;
  return out;
}

// ---- where a task's output is

std::optional<ports::LinkId> Node::Impl::way_to(NodeId node) const {
  if (node.empty()) return std::nullopt;
  if (core_.identity && core_.identity->node == node) return kLocalLink;  // whether it is in session or not
  return leader_ ? leader_->loops.dispatcher().link_of(node) : std::nullopt;
}

std::map<NodeId, ports::LinkId> Node::Impl::ways_to(const std::set<NodeId>& nodes) const {
  std::map<NodeId, ports::LinkId> ways;
  for (const NodeId node : nodes)
    if (const auto way = way_to(node)) ways[node] = *way;
  return ways;
}

PlaceOfTask Node::Impl::place_of(TaskId task) const {
  PlaceOfTask place;
  place.task = task;
  const auto stored = replica_ ? replica_->store().task(task) : nullptr;
  if (stored) place.node = stored->node_id;
  const auto node = replica_ ? replica_->store().node(place.node) : nullptr;
  place.node_name = node ? node->display_name() : place.node.str();
  place.way = way_to(place.node);
  return place;
}

}  // namespace swarm::node
