#include "sim/overdue.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/node.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kTimeEnough = Duration::seconds(10);

}  // namespace

std::string Overdue::look(const World& world) {
  const std::string leader = world.leader();
  const std::uint64_t term = world.term();
  if (leader.empty() || leader != leader_ || term != term_) since_ = world.now();
  leader_ = leader;
  term_ = term;
  for (const auto& name : world.machines()) {
    if (!world.alive(name)) {
      const std::uint32_t lives = world.lives(name) + world.lives_of_clone(name);
      Dead& dead = dead_[name];
      if (world.has_clone(name) || dead.lives != lives) dead = {world.now(), lives};
      continue;
    }
    dead_.erase(name);
    nodes_[name] = world.node(name).inspect().id;
  }
  if (leader.empty()) return {};
  const store::Store& store = *world.node(leader).inspect().store;
  if (world.now() - since_ >= kTimeEnough)
    if (auto late = shown_as_ready(world, store); !late.empty()) return late;
  return tasks_left(world, store);
}

std::string Overdue::shown_as_ready(const World& world, const store::Store& store) const {
  for (const auto& [name, dead] : dead_) {
    const auto known = nodes_.find(name);
    if (world.now() - dead.since < kTimeEnough || known == nodes_.end()) continue;
    const auto node = store.node(known->second);
    if (node && node->status.state == model::NodeState::ready)
      return name + " is dead for " + to_string(world.now() - dead.since) + ", and " + leader_ +
             ", which leads all that time, shows it as ready";
  }
  return {};
}

// What was meant to run on a node that is DOWN must run elsewhere, or be given up.
std::string Overdue::tasks_left(const World& world, const store::Store& store) {
  for (const auto& [id, node] : store.nodes()) {
    if (node->status.state != model::NodeState::down) {
      down_.erase(id);
      continue;
    }
    Down& down = down_[id];
    if (down.version != node->meta.version) down = {world.now(), node->meta.version};
    const Instant since = std::max(down.since, since_);
    if (world.now() - since < kTimeEnough) continue;
    for (const TaskId task : store.tasks_on_node(id))
      if (store.task(task)->live())
        return "task " + task.str() + " is meant to run on " + node->display_name() + ", which is DOWN for " +
               to_string(world.now() - since);
  }
  return {};
}

}  // namespace swarm::sim
