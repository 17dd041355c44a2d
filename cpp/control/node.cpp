#include "control/node.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

#include "control/feature_level.hpp"

namespace swarm::control {
namespace {

using model::NodeRole;
using model::TaskState;

Error refused(std::string text) { return rpc_error(Code::failed_precondition, std::move(text)); }
Error not_found(NodeId id) { return plain_error(Code::not_found, "node " + id.str() + " not found"); }

std::uint64_t raft_id(const model::Node& node) { return node.manager ? node.manager->raft_id : 0; }

std::size_t reachable_count(const Reachable& members) {
  return static_cast<std::size_t>(
      std::count_if(members.begin(), members.end(), [](const auto& member) { return member.second; }));
}

// Those that stay must have a reachable majority among themselves (swarmkit raft.CanRemoveMember).
bool may_remove_member(std::uint64_t id, const Reachable& members) {
  SWARM_CHECK(members.contains(id), "member", id);
  const std::size_t staying = members.size() - 1;
  const std::size_t reachable = reachable_count(members) - (members.at(id) ? 1 : 0);
  return reachable >= staying / 2 + 1;
}

// Counts the managers whose desired role is manager: two demotions in a row must not both pass.
bool is_last_manager(const store::Store& store, NodeId id) {
  const auto& nodes = store.nodes();
  return std::none_of(nodes.begin(), nodes.end(), [&](const auto& one) {
    const model::Node& node = *one.second;
    return node.id != id && node.role == NodeRole::manager && node.spec.desired_role == NodeRole::manager;
  });
}

// Docker's guards, in its order.
Result<void> may_demote(const store::Store& store, const model::Node& node, const Reachable& members) {
  if (is_last_manager(store, node.id)) return refused("attempting to demote the last manager of the swarm");
  if (!members.contains(raft_id(node)))
    return rpc_error(Code::not_found, "can't find manager in raft memberlist");
  if (!may_remove_member(raft_id(node), members))
    return refused("can't remove member from the raft: this would result in a loss of quorum");
  return {};
}

model::TaskStep orphan(const model::Task& task, WallTime time) {
  model::TaskStep step;
  step.id = task.id;
  step.status = task.status;
  if (time != WallTime{}) step.status->timestamp = time;
  step.status->state = TaskState::orphaned;
  step.status->message = "Task belonged to a node that has been deleted";
  return step;
}

}  // namespace

Result<model::Transaction> update_node(const store::Store& store, NodeId id, std::uint64_t version,
                                       const model::NodeSpec& spec, const Reachable& members) {
  const auto node = store.node(id);
  if (!node) return not_found(id);
  if (node->meta.version != version) return rpc_error(Code::unknown, "update out of sequence");
  if (node->spec.desired_role == NodeRole::manager && spec.desired_role == NodeRole::worker)
    if (const auto allowed = may_demote(store, *node, members); !allowed) return allowed.error();
  if (spec.desired_role == NodeRole::manager && node->spec.desired_role == NodeRole::worker) {
    const auto may = may_manage(node->display_name(), node->description.feature_level, store.feature_level());
    if (!may) return may.error();
  }
  model::Node next = *node;
  next.spec = spec;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(next)});
  return transaction;
}

Result<model::Transaction> remove_node(const store::Store& store, NodeId id, bool force,
                                       const Reachable& members, WallTime time) {
  const auto node = store.node(id);
  if (!node) return not_found(id);
  if (node->spec.desired_role == NodeRole::manager && members.contains(raft_id(*node)))
    return refused("node " + id.str() +
                   " is a cluster manager and is a member of the raft cluster. It must be demoted to worker "
                   "before removal");
  if (node->status.state == model::NodeState::ready && !force)
    return refused("node " + id.str() + " is not down and can't be removed");
  model::Transaction transaction;
  for (const TaskId task_id : store.tasks_on_node(id))
    if (const auto task = store.task(task_id); task->status.state < TaskState::complete)
      transaction.actions.push_back(orphan(*task, time));
  transaction.actions.push_back(model::Remove::of<model::Node>(id, node->meta.version));
  SWARM_CHECK(store.cluster() != nullptr, "node", id, "is in a store without a cluster");
  model::Cluster cluster = *store.cluster();
  cluster.removed_nodes.push_back(id);
  transaction.actions.push_back(model::Put{std::move(cluster)});
  return transaction;
}

Result<void> may_leave(const store::Store& store, NodeId id, const Reachable& members) {
  const auto node = store.node(id);
  const bool is_member = node && members.contains(raft_id(*node));
  const bool is_manager = node && node->role == NodeRole::manager;
  if (!is_member && !is_manager) return {};
  const std::string start =
      "You are attempting to leave the swarm on a node that is participating as a manager. ";
  const std::size_t reachable = reachable_count(members), all = members.size();
  const auto refuse = [](std::string text) {
    return Error{Code::unavailable, std::move(text), "demote the node first, or use --force", false, 503};
  };
  if (all <= 1)
    return refuse(start +
                  "Removing the last manager erases all current state of the swarm. Use `--force` to ignore "
                  "this message. ");
  std::string risk;
  // moby daemon/cluster/swarm.go, removingManagerCausesLossOfQuorum.
  if (reachable <= (all - reachable) + 2)
    risk = "Removing this node leaves " + std::to_string(reachable - std::min<std::size_t>(reachable, 1)) +
           " managers out of " + std::to_string(all) +
           ". Without a Raft quorum your swarm will be inaccessible. ";
  return refuse(start + risk +
                "The only way to restore a swarm that has lost consensus is to reinitialize it with "
                "`--force-new-cluster`. Use `--force` to suppress this message.");
}

}  // namespace swarm::control
