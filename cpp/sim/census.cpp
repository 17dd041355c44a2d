#include "sim/census.hpp"

#include <cstddef>
#include <map>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {

bool Census::runs(const model::Task& task, const store::Store& store) {
  if (task.state() != model::TaskState::running || task.desired_state != model::TaskState::running)
    return false;
  const auto node = store.node(task.node_id);
  return node && node->status.state != model::NodeState::down;
}

Seat Census::seat_of(const model::Task& task) {
  return {task.slot, task.slot == 0 ? task.node_id : NodeId()};
}

void Census::begin(const store::Store& store) {
  *this = {};
  begun_ = true;
  for (const auto& [id, task] : store.tasks()) count(*task, runs(*task, store));
}

void Census::count(const model::Task& task, bool runs) {
  const auto found = counted_.find(task.id);
  if ((found != counted_.end()) == runs) return;
  if (runs) {
    const Place place{task.service_id, seat_of(task)};
    counted_.emplace(task.id, place);
    ++running_[place.service];
    ++seats_[place.service][place.seat];
    return;
  }
  const Place place = found->second;
  counted_.erase(found);
  if (--running_[place.service] == 0) running_.erase(place.service);
  auto& seats = seats_[place.service];
  if (--seats[place.seat] == 0) seats.erase(place.seat);
  if (seats.empty()) seats_.erase(place.service);
}

void Census::recount(TaskId id, const store::Store& store) {
  if (const auto task = store.task(id)) count(*task, runs(*task, store));
}

void Census::changed(const std::vector<store::AnyChange>& changes, const store::Store& store) {
  for (const auto& change : changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) {
      if (task->removed()) {
        count(*task->before, false);
      } else {
        recount(task->after->id, store);
      }
    } else if (const auto* node = std::get_if<store::Change<model::Node>>(&change)) {
      const bool same =
          node->before && node->after && node->before->status.state == node->after->status.state;
      if (same) continue;
      for (const TaskId id : store.tasks_on_node(node->latest().id)) recount(id, store);
    }
  }
}

std::size_t Census::running(ServiceId service) const {
  const auto found = running_.find(service);
  return found == running_.end() ? 0 : found->second;
}

const std::map<Seat, std::size_t>& Census::seats(ServiceId service) const {
  static const std::map<Seat, std::size_t> kNone;
  const auto found = seats_.find(service);
  return found == seats_.end() ? kNone : found->second;
}

}  // namespace swarm::sim
