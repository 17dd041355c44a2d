// Overdue: a leader that holds its office must find out which nodes are dead (reliability.md, invariant 14).
// Looks at a world now and then. NOT here: nodes that are marked DOWN wrongly (check/heartbeats).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/id.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {

class Overdue {
 public:
  // Returns which dead node is still shown as ready, or is still meant to run tasks, although one leader had
  // time enough; "" for none.
  std::string look(const World& world);

 private:
  std::string shown_as_ready(const World& world, const store::Store& store) const;
  std::string tasks_left(const World& world, const store::Store& store);

  std::string leader_;
  std::uint64_t term_ = 0;
  Instant since_;  // that one has led with a quorum, at every look
  struct Dead {
    Instant since;
    // How many it and its clone had had: either may live, be in session and die between two looks.
    std::uint32_t lives = 0;
  };
  std::map<std::string, Dead> dead_;
  std::map<std::string, NodeId> nodes_;  // which each machine was last
  // By the store. A node may come, get tasks and be DOWN again between two looks: its object has changed
  // then.
  struct Down {
    Instant since;
    std::uint64_t version = 0;
  };
  std::map<NodeId, Down> down_;
};

}  // namespace swarm::sim
