// Handover: one slot, one task. When a task of the current spec runs in a slot, the others that were meant to
// run there must stop; of several old ones the youngest that runs stays.
//
// An update does the same for the slots that it has in hand. But it may pause, fail, lose a node or be
// followed by another update before the new task runs. The new task is restarted all the same and runs some
// day: a port becomes free, an image appears. Until then the old one stays and serves.
#pragma once

#include <set>

#include "orchestrator/plan.hpp"

namespace swarm::orchestrator {

class Handover {
 public:
  void observe(const store::Store& store, const store::Change<model::Task>& change);
  // The slot holds these tasks.
  void look_at(const SlotKey& key, const std::vector<TaskRef>& tasks);
  void plan(const store::Store& store, Plan& plan);

 private:
  std::set<SlotKey> look_;
};

}  // namespace swarm::orchestrator
