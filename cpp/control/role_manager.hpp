// RoleManager: makes observed roles follow desired ones (swarmkit manager/role_manager.go). It sees which
// members must leave the Raft group and, a little later, hands them to the node's membership machine, which
// changes the group. When a demoted node is out of the group (its `manager` status is gone), its observed
// role becomes worker.
//
// Invariants (checked): it acts only once it knows the group; it asks for each member's removal once; a
// member's observed role never becomes worker.
#pragma once

#include <memory>
#include <vector>

#include "model/wire.hpp"
#include "store/leader_loop.hpp"

namespace swarm::control {

struct RoleIntent {
  NodeId node;  // must leave the Raft group: its desired role is worker, or it was removed
};

class RoleManager final : public store::LeaderLoop {
 public:
  RoleManager();
  ~RoleManager() override;
  const char* name() const override { return "role manager"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store& store, const model::Outcome& outcome, Instant now) override;
  Instant next_deadline() const override;

  // Sets the Raft group as it is now; called once after the start, and when it changes. Nodes' `manager`
  // follows it.
  void set_members(const std::vector<wire::ManagerPeer>& members);
  std::vector<RoleIntent> take_intents();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swarm::control
