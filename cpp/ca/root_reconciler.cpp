#include "ca/root_reconciler.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::ca {
namespace {

// A message may be lost, and a node may have been away: the leader tells it again after this long.
constexpr Duration kTellAgain = Duration::seconds(2);

// A node that says nothing of its certificate has none of a root that is wanted by name.
bool has_old_certificate(const std::string& wanted, const model::Node& node) {
  return !wanted.empty() && (!node.description.tls || node.description.tls->issuer != wanted);
}

bool has_old_root(const model::RootCa& roots, const model::Node& node) {
  return node.description.tls && node.description.tls->trust_root != roots.cert_pem;
}

void put(std::set<NodeId>& set, NodeId node, bool belongs) {
  if (belongs) {
    set.insert(node);
  } else {
    set.erase(node);
  }
}

// The new root in the old one's place.
model::RootCa rotated(model::RootCa roots, model::RootRotation goal) {
  roots.rotation.reset();
  roots.cert_pem = std::move(goal.cert_pem);
  roots.key_pem = std::move(goal.key_pem);
  roots.id = std::move(goal.id);
  roots.join_token_worker = std::move(goal.join_token_worker);
  roots.join_token_manager = std::move(goal.join_token_manager);
  return roots;
}

bool asks_the_same(const store::Change<model::Cluster>& change) {
  return change.before && change.after && change.before->root_ca.cert_pem == change.after->root_ca.cert_pem &&
         change.before->root_ca.wanted_issuer() == change.after->root_ca.wanted_issuer();
}

}  // namespace

void RootReconciler::start(const store::Store& store, Instant now, WallTime) { look_at_all(store, now); }

void RootReconciler::look_at_all(const store::Store& store, Instant now) {
  old_certificates_.clear();
  old_roots_.clear();
  if (const auto* cluster = store.cluster())
    for (const auto& [id, node] : store.nodes()) look_at(*cluster, *node);
  nodes_ = store.nodes().size();
  tell_at_ = old_certificates_.empty() && old_roots_.empty() ? Instant::never() : now;
}

void RootReconciler::look_at(const model::Cluster& cluster, const model::Node& node) {
  put(old_certificates_, node.id, has_old_certificate(cluster.root_ca.wanted_issuer(), node));
  put(old_roots_, node.id, has_old_root(cluster.root_ca, node));
}

void RootReconciler::observe(const store::Store& store, const store::ChangeSet& changes, Instant now) {
  for (const auto& any : changes.changes) {
    if (const auto* cluster = std::get_if<store::Change<model::Cluster>>(&any)) {
      if (!asks_the_same(*cluster)) return look_at_all(store, now);
    } else if (const auto* node = std::get_if<store::Change<model::Node>>(&any)) {
      if (node->after && store.cluster() != nullptr) {
        look_at(*store.cluster(), *node->after);
      } else {
        old_certificates_.erase(node->latest().id);
        old_roots_.erase(node->latest().id);
      }
    }
  }
  const bool behind = !old_certificates_.empty() || !old_roots_.empty();
  if (!behind) tell_at_ = Instant::never();
  if (behind && tell_at_ == Instant::never()) tell_at_ = now;
}

std::optional<model::Transaction> RootReconciler::plan(const store::Store& store, Instant now,
                                                       WallTime wall) {
  if (tell_at_ <= now) {
    tell_ = true;
    tell_at_ = now + kTellAgain + model::renewal_window(nodes_);
  }
  const model::Cluster* cluster = store.cluster();
  if (cluster == nullptr || !cluster->root_ca.rotation || !old_certificates_.empty()) return std::nullopt;
  model::Cluster next = *cluster;
  next.root_ca = rotated(std::move(next.root_ca), *cluster->root_ca.rotation);
  model::Transaction transaction;
  transaction.time = wall;
  transaction.actions.push_back(model::Put{std::move(next)});
  return transaction;
}

std::vector<NodeId> RootReconciler::take_behind() {
  if (!std::exchange(tell_, false)) return {};
  std::vector<NodeId> behind;
  std::ranges::set_union(old_certificates_, old_roots_, std::back_inserter(behind));
  return behind;
}

}  // namespace swarm::ca
