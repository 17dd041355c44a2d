// RootReconciler: the leader's loop that brings a swarm from one root to another (swarmkit ca/reconciler.go).
//
// It knows which nodes do not yet have what they are to have, by what they say of themselves (TlsInfo): a
// certificate of the wanted root, and the root that they are to believe. It names them again and again until
// they have it; the dispatcher tells them (wire::Session). When each node of the swarm has a certificate of
// the new root, the new root takes the old one's place, and its join tokens theirs. A node that is down
// blocks that: it could not come back otherwise.
//
// A change of a node costs work for that node only. NOT here: what a rotation begins with
// (control/root_rotation), keys and signatures (ports::Crypto).
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "model/cluster.hpp"
#include "store/leader_loop.hpp"

namespace swarm::ca {

class RootReconciler final : public store::LeaderLoop {
 public:
  const char* name() const override { return "root reconciler"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store&, const model::Outcome&, Instant) override {}
  Instant next_deadline() const override { return tell_at_; }

  // The nodes to be told now what they are to have.
  std::vector<NodeId> take_behind();
  // Those that still have a certificate of another root.
  const std::set<NodeId>& old_certificates() const { return old_certificates_; }

 private:
  void look_at_all(const store::Store& store, Instant now);
  void look_at(const model::Cluster& cluster, const model::Node& node);

  std::set<NodeId> old_certificates_, old_roots_;
  std::size_t nodes_ = 0;
  Instant tell_at_ = Instant::never();
  bool tell_ = false;
};

}  // namespace swarm::ca
