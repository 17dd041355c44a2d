// LeaderLoops: what only the leader does. Made when this node is elected, destroyed when it steps down:
// everything in here can be made again from the store.
//
// The order of the loops is the order of the story of a task: orchestrators create, the allocator readies,
// the scheduler places, the dispatcher sends and collects; enforcers and the reaper look after them.
//
// Invariants (checked): loops hear of each entry once, in the order of the log, and of none that was in the
// store when they began; a loop has one proposal in flight at most, and no two share one.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "ca/root_reconciler.hpp"
#include "control/role_manager.hpp"
#include "dispatcher/dispatcher.hpp"
#include "node/core.hpp"
#include "node/replica.hpp"
#include "store/leader_loop.hpp"

namespace swarm::node {

class LeaderLoops {
 public:
  LeaderLoops(Core& core, Replica& replica);

  void reseed(Rng& rng);
  void observe(const store::ChangeSet& changes);
  // Takes the outcome of a proposal. Returns false if no loop made it.
  bool settled(std::uint64_t request, const model::Outcome& outcome);
  // Asks each loop that has nothing in flight for its next plan; returns true if there was one.
  bool plan();

  Instant next_deadline() const;

  void on_link_gone(const LinkGone& event);

  dispatcher::Dispatcher& dispatcher() { return *dispatcher_; }
  void set_managers(const std::vector<wire::ManagerPeer>& managers) {
    dispatcher_->set_managers(managers);
    role_manager_->set_members(managers);
  }
  std::vector<control::RoleIntent> take_role_intents() { return role_manager_->take_intents(); }

 private:
  struct Slot {
    std::unique_ptr<store::LeaderLoop> loop;
    std::uint64_t in_flight = 0;  // the request number of its proposal
  };
  bool is_in_flight(std::uint64_t request) const;
  template <class Loop, class... Arguments>
  Loop* add(Arguments&&... arguments);

  Core& core_;
  Replica& replica_;
  std::vector<Slot> loops_;
  Instant not_before_{};    // after a refused proposal
  std::uint64_t seen_ = 0;  // the version of the store up to which the loops have heard
  dispatcher::Dispatcher* dispatcher_ = nullptr;
  control::RoleManager* role_manager_ = nullptr;
  ca::RootReconciler* root_reconciler_ = nullptr;
};

}  // namespace swarm::node
