#include "dispatcher/farewells.hpp"

#include <set>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::dispatcher {

void Farewells::begin(TaskId task, std::set<NodeId> hearers, Instant now) {
  SWARM_CHECK(!hearers.empty() && !contains(task), "task", task);
  for (const NodeId node : hearers) of_node_[node].insert(task);
  pairs_ += hearers.size();
  const Instant until = now + kFarewell;
  due_.insert({until, task});
  farewells_.emplace(task, Farewell{std::move(hearers), until});
}

std::vector<TaskId> Farewells::waiting_for(NodeId node) const {
  const auto it = of_node_.find(node);
  if (it == of_node_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

bool Farewells::has_heard(TaskId task, NodeId node) {
  const auto it = farewells_.find(task);
  if (it == farewells_.end() || it->second.silent.erase(node) == 0) return false;
  --pairs_;
  const auto of_node = of_node_.find(node);
  of_node->second.erase(task);
  if (of_node->second.empty()) of_node_.erase(of_node);
  if (!it->second.silent.empty()) return false;
  end(task);
  return true;
}

void Farewells::end(TaskId task) {
  const auto it = farewells_.find(task);
  if (it == farewells_.end()) return;
  pairs_ -= it->second.silent.size();
  for (const NodeId node : it->second.silent) {
    const auto of_node = of_node_.find(node);
    of_node->second.erase(task);
    if (of_node->second.empty()) of_node_.erase(of_node);
  }
  due_.erase({it->second.until, task});
  farewells_.erase(it);
}

std::vector<TaskId> Farewells::take_due(Instant now) {
  std::vector<TaskId> out;
  while (!due_.empty() && due_.begin()->first <= now) {
    out.push_back(due_.begin()->second);
    end(out.back());
  }
  return out;
}

}  // namespace swarm::dispatcher
