#include "docker/listing.hpp"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "docker/api.hpp"
#include "docker/objects.hpp"
#include "model/constraint.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "store/table.hpp"
#include "store/view.hpp"

namespace swarm::docker {

std::string ListingUnderWay::write(Budget& budget, const Context& context) {
  done_ = std::visit([&](auto& listing) { return listing.write(json_, budget, context); }, listing_);
  if (!done_) return json_.take_part();
  json_.end_array();
  return json_.take() + "\n";
}

// ---- how many tasks of a service run, and how many are wanted

namespace {

// SwarmKit counts tasks that are to stop, and those of a node that is down, for as long as they are kept.
bool serves(const model::Task& task, const store::Ref<model::Node>& node) {
  if (task.state() != model::TaskState::running || task.desired_state != model::TaskState::running)
    return false;
  return node && node->status.state != model::NodeState::down;
}

}  // namespace

TaskCount::TaskCount(store::Ref<model::Service> service, std::vector<TaskId> tasks)
    : service_(std::move(service)), tasks_(std::move(tasks)) {
  if (!service_->spec.is_global()) return;
  const auto& placement = service_->spec.task.placement;
  auto parsed = model::parse_constraints(placement ? placement->constraints : std::vector<std::string>{});
  if (parsed) constraints_ = std::move(*parsed);
}

// A task is wanted on each node that fits, whether or not there is one that may run: of the paused nodes on
// those that have one. Whatever fits has a task, if only one that is over.
void TaskCount::note_place(const model::Task& task, const model::Node& node) {
  if (!constraints_ || node.evicts_tasks() || !model::matches(*constraints_, node)) return;
  if (node.spec.availability == model::Availability::active || task.live()) places_.insert(node.id);
}

bool TaskCount::count(const store::View& view, Budget& budget) {
  for (; next_ < tasks_.size(); ++next_) {
    if (budget.is_spent()) return false;
    budget.spend_one();
    const auto task = view.find<model::Task>(tasks_[next_]);
    const auto node = view.find<model::Node>(task->node_id);
    running_ += serves(*task, node) ? 1 : 0;
    if (node) note_place(*task, *node);
  }
  return true;
}

ServiceCounts TaskCount::counts() const {
  return {running_, service_->spec.is_global() ? places_.size() : service_->spec.replicas()};
}

}  // namespace swarm::docker
