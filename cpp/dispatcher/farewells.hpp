// Farewells: tasks that are to stop, and whose nodes do not hear of it yet. First every node with a task on
// one of its networks says that its service's name and address lead elsewhere: so no connection begins at a
// task that is about to end. Bounded: a node that does not answer holds no task up for longer than kFarewell.
//
// What differs from Docker: there a node takes its task out of the load balancers and tells others by gossip;
// it waits for no one. NOT here: what was sent and acknowledged (feed), which nodes hear of a task
// (overlay_directory).
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::dispatcher {

inline constexpr Duration kFarewell = Duration::millis(500);
inline constexpr std::size_t kMostPairs = 100'000;  // of a task and a node that has not answered

class Farewells {
 public:
  bool has_room(std::size_t hearers) const { return pairs_ + hearers <= kMostPairs; }
  void begin(TaskId task, std::set<NodeId> hearers, Instant now);
  bool contains(TaskId task) const { return farewells_.contains(task); }
  // Those that still wait for this node.
  std::vector<TaskId> waiting_for(NodeId node) const;
  // The node has said so. Returns true if it was the last one: the farewell is over.
  bool has_heard(TaskId task, NodeId node);
  void end(TaskId task);
  // Ends those whose time is over, and returns them.
  std::vector<TaskId> take_due(Instant now);
  Instant next_deadline() const { return due_.empty() ? Instant::never() : due_.begin()->first; }

 private:
  struct Farewell {
    std::set<NodeId> silent;
    Instant until;
  };
  std::map<TaskId, Farewell> farewells_;
  std::map<NodeId, std::set<TaskId>> of_node_;
  std::set<std::pair<Instant, TaskId>> due_;
  std::size_t pairs_ = 0;
};

}  // namespace swarm::dispatcher
