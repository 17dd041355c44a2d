// Spread: which of the fitting nodes takes the next task of a group. Made for one group and one plan.
//
// Without preferences: fewest faults, then fewest tasks of the service, then fewest tasks in all, then a
// draw. With preferences a tree of branches stands above that, one level for each; a branch weighs what its
// nodes run of the service, fitting or not, and the lightest branch that can still take a task takes the next
// one. This levels the branches like swarmkit's descent (manager/scheduler/nodeset.go, scheduler.go
// scheduleNTasksOnSubtree). A task costs the logarithm of the nodes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "scheduler/filters.hpp"

namespace swarm::scheduler {

class Spread {
 public:
  using Infos = std::map<NodeId, NodeInfo>;

  Spread(Infos& infos, const Filters& filters, const GroupKey& group,
         const std::vector<std::string>& preferences, Instant now, Rng& rng);

  // The node for one more task; null when none fits. `placed` must follow before the next call.
  NodeInfo* next();
  // The node that next() gave was charged with a task of the group.
  void placed();

 private:
  // faults, tasks of the service, all tasks, draw
  using Rank = std::tuple<std::size_t, std::uint64_t, std::uint64_t, std::uint64_t>;
  struct Branch {
    std::uint64_t weight = 0;
    std::uint64_t draw = 0;
    std::map<std::string, std::unique_ptr<Branch>> children;
    std::map<std::tuple<std::uint64_t, std::uint64_t, std::string>, Branch*> usable;  // by weight, draw, name
    std::map<std::pair<Rank, NodeId>, NodeInfo*> nodes;                               // of a leaf, best first
    bool is_empty() const { return usable.empty() && nodes.empty(); }
  };

  void insert(NodeInfo& info, const std::vector<std::string>& preferences);
  void open(Branch& branch);
  NodeInfo* best(Branch& branch);
  Rank rank(const NodeInfo& info);

  const Filters& filters_;
  GroupKey group_;
  Instant now_;
  Rng& rng_;
  Branch root_;
  std::vector<Branch*> path_;  // to the node that next() gave
  NodeInfo* given_ = nullptr;
};

}  // namespace swarm::scheduler
