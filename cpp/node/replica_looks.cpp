// What others may see of a replica: its group, its progress, and numbers that change when a look would.
#include "node/replica.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/defaults.hpp"
#include "node/core.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

constexpr Duration kFreshAnswer = Duration::millis(800);
constexpr Duration kHeardLately = model::kRaftTick * 20;  // two checks of the quorum

}  // namespace

std::optional<Address> Replica::address_of(std::uint64_t raft_id) const {
  if (const auto it = members_.find(raft_id); it != members_.end()) return it->second.address;
  return address_of_newcomer(raft_id);
}

// Its session names the managers of now; before it has one, a node that became another member is where it
// was.
std::optional<Address> Replica::address_of_newcomer(std::uint64_t raft_id) const {
  if (core_.identity)
    for (const auto& peer : core_.identity->managers)
      if (peer.raft_id == raft_id) return peer.address;
  for (const auto& [id, peer] : members_)
    if (const auto it = newcomers_.find(peer.node); it != newcomers_.end() && it->second == raft_id)
      return peer.address;
  return std::nullopt;
}

std::set<std::uint64_t> Replica::voters() const {
  return {conf_state_.voters.begin(), conf_state_.voters.end()};
}

std::vector<NodeId> Replica::member_nodes() const {
  std::vector<NodeId> nodes;
  for (const auto& [id, peer] : members_) nodes.push_back(peer.node);
  return nodes;
}

std::set<std::uint64_t> Replica::learners() const {
  return {conf_state_.learners.begin(), conf_state_.learners.end()};
}

std::uint64_t Replica::successor() const {
  std::uint64_t best = 0;
  std::pair<bool, std::uint64_t> rank;
  for (const auto& [id, progress] : raft_->progress()) {
    if (id == raft_id_ || progress.is_learner) continue;
    const std::pair its_rank(progress.recent_active, progress.match);
    if (best == 0 || its_rank > rank) best = id, rank = its_rank;
  }
  return best;
}

bool Replica::has_answered(std::uint64_t voter) const {
  const auto asked = answered_.find(voter);
  return asked != answered_.end() && core_.now - asked->second <= kFreshAnswer;
}

bool Replica::hears_majority_without(std::uint64_t raft_id) const {
  std::size_t staying = 0, heard = 0;
  for (const std::uint64_t voter : conf_state_.voters) {
    if (voter == raft_id) continue;
    ++staying;
    if (voter == raft_id_ || has_answered(voter)) ++heard;
  }
  return heard > staying / 2;
}

std::vector<std::string> Replica::silent_without(std::uint64_t raft_id) const {
  std::vector<std::string> names;
  for (const std::uint64_t voter : conf_state_.voters)
    if (voter != raft_id && voter != raft_id_ && !has_answered(voter)) names.push_back(name_of(voter));
  return names;
}

docker::RaftView Replica::view() const {
  docker::RaftView view;
  view.leader = leadership_.leader;
  view.id = raft_id_;
  view.term = raft_->term();
  view.commit = raft_->commit();
  view.applied = store_->version();
  view.leader_since = leader_since_;
  view.began_from = began_from_;
  view.role = raft::to_string(raft_->role());
  for (const auto& [id, peer] : members_) {
    if (!leadership_.is_elected()) {  // only the leader hears from all
      view.reachable[id] = leadership_.leader != 0 || id == raft_id_;
      continue;
    }
    view.reachable[id] = hears(id);
  }
  return view;
}

// Raft forgets at each check of its quorum whom it has heard, and knows again a round trip later.
bool Replica::hears(std::uint64_t raft_id) const {
  const auto& peers = raft_->progress();
  const auto progress = peers.find(raft_id);
  const bool active = progress != peers.end() && progress->second.recent_active;
  const auto at = heard_.find(raft_id);
  return raft_id == raft_id_ || active || (at != heard_.end() && core_.now - at->second < kHeardLately);
}

std::uint64_t Replica::visible_swarm() const {
  std::uint64_t hash = fold(kFnvStart, leadership_.leader << 1 | (leadership_.leads() ? 1U : 0U));
  if (leadership_.is_elected() || leadership_.leader == 0) hash = fold(hash, store_->version());
  if (leadership_.is_elected())
    for (const auto& [id, peer] : members_) hash = fold(hash, id << 1 | (hears(id) ? 1U : 0U));
  return hash;
}

std::uint64_t Replica::visible_raft() const {
  std::uint64_t hash = fold(kFnvStart, raft_->term());
  hash = fold(hash, static_cast<std::uint64_t>(raft_->role()));
  return fold(fold(fold(hash, raft_->commit()), store_->version()), story_.last());
}

}  // namespace swarm::node
