#include "control/role_manager.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

namespace swarm::control {

using model::NodeRole;

// `docker node demote m1 m2`, said to m1: m1 is still asked about m2 after its own demotion. Docker's nodes
// take about as long to become workers, for their new certificate.
constexpr Duration kLastWords = Duration::millis(500);

struct RoleManager::State {
  bool told = false;  // nothing is known of the group before
  std::map<NodeId, wire::ManagerPeer> members;
  std::set<NodeId> look;
  std::map<NodeId, Instant> demotions;  // not before then
  std::set<std::uint64_t> asked;        // Raft ids whose leaving is under way
  std::vector<RoleIntent> intents;

  void check_member(const store::Store& store, NodeId id, Instant now);
  std::optional<model::NodeStep> step(const model::Node& node) const;
};

RoleManager::RoleManager() : state_(std::make_unique<State>()) {}
RoleManager::~RoleManager() = default;

void RoleManager::start(const store::Store& store, Instant now, WallTime) {
  for (const auto& [id, node] : store.nodes()) {
    state_->look.insert(id);
    // The leader before this one has waited already.
    if (node->manager && node->spec.desired_role == NodeRole::worker) state_->demotions[id] = now;
  }
}

void RoleManager::observe(const store::Store&, const store::ChangeSet& changes, Instant) {
  for (const auto& change : changes.changes)
    if (const auto* node = std::get_if<store::Change<model::Node>>(&change))
      state_->look.insert(node->latest().id);
}

void RoleManager::set_members(const std::vector<wire::ManagerPeer>& members) {
  for (const auto& [id, peer] : state_->members) state_->look.insert(id);
  state_->members.clear();
  std::set<std::uint64_t> asked;
  for (const auto& peer : members) {
    state_->members[peer.node] = peer;
    state_->look.insert(peer.node);
    if (state_->asked.contains(peer.raft_id)) asked.insert(peer.raft_id);
  }
  state_->asked = std::move(asked);
  state_->told = true;
}

// A member must leave the group when its desired role is worker, or when its node is gone.
void RoleManager::State::check_member(const store::Store& store, NodeId id, Instant now) {
  const auto member = members.find(id);
  const auto node = store.node(id);
  const bool wanted = node && node->spec.desired_role == NodeRole::manager;
  if (member == members.end() || wanted) {
    demotions.erase(id);
    if (wanted && member != members.end()) asked.erase(member->second.raft_id);
    return;
  }
  if (asked.contains(member->second.raft_id)) return;
  if (node && demotions.try_emplace(id, now + kLastWords).first->second > now) return;
  demotions.erase(id);
  const bool first = asked.insert(member->second.raft_id).second;
  SWARM_CHECK(told && first, "member", id, "is asked to leave twice");
  intents.push_back({id});
}

// Up at once, so that the node may ask to join the group; down only when the group has let it go.
std::optional<model::NodeStep> RoleManager::State::step(const model::Node& node) const {
  const auto member = members.find(node.id);
  const bool wanted = node.spec.desired_role == NodeRole::manager;
  model::NodeStep step;
  step.id = node.id;
  if (wanted && node.role != NodeRole::manager) step.role = NodeRole::manager;
  if (!wanted && node.role != NodeRole::worker && member == members.end()) step.role = NodeRole::worker;
  std::optional<model::ManagerStatus> status;
  if (member != members.end()) status = {member->second.raft_id, member->second.address.str()};
  const bool leaving = !wanted && member != members.end();
  if (!leaving && status != node.manager) step.manager = status;
  if (!step.role && !step.manager) return std::nullopt;
  SWARM_CHECK(step.role != NodeRole::worker || member == members.end(), "node", node.id, "is a member");
  return step;
}

std::optional<model::Transaction> RoleManager::plan(const store::Store& store, Instant now, WallTime wall) {
  if (!state_->told) return std::nullopt;
  model::Transaction transaction;
  auto& look = state_->look;
  for (const auto& [id, due] : state_->demotions)
    if (due <= now) look.insert(id);
  for (auto it = look.begin(); it != look.end() && transaction.actions.size() < store::kMaxActions;) {
    state_->check_member(store, *it, now);
    const auto node = store.node(*it);
    auto step = node ? state_->step(*node) : std::nullopt;
    if (step) transaction.actions.push_back(std::move(*step));
    it = step ? std::next(it) : look.erase(it);  // until it is seen to be so
  }
  if (transaction.empty()) return std::nullopt;
  transaction.time = wall;
  return transaction;
}

void RoleManager::settled(const store::Store&, const model::Outcome&, Instant) {}

Instant RoleManager::next_deadline() const {
  Instant next = Instant::never();
  for (const auto& [id, due] : state_->demotions) next = std::min(next, due);
  return state_->told ? next : Instant::never();
}

std::vector<RoleIntent> RoleManager::take_intents() { return std::exchange(state_->intents, {}); }

}  // namespace swarm::control
