#include "store/view.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "model/task.hpp"
#include "store/store.hpp"

namespace swarm::store {

std::shared_ptr<const View> Store::view() const {
  // Its constructor is the store's alone.
  const std::shared_ptr<View> made(new View(data_, version_));
  std::erase_if(views_, [](const auto& view) { return view.expired(); });
  views_.push_back(made);
  return made;
}

std::vector<TaskId> View::tasks_of_service(ServiceId id) const {
  std::vector<std::pair<std::uint64_t, TaskId>> found;
  if (const auto now = data_->tasks_by_service.find(id); now != data_->tasks_by_service.end())
    for (const auto& [slot, task] : now->second)
      if (!saved<model::Task>().contains(task)) found.emplace_back(slot, task);
  for (const auto& [task, before] : saved<model::Task>())
    if (before && before->service_id == id) found.emplace_back(before->slot, task);
  std::sort(found.begin(), found.end());
  std::vector<TaskId> out;
  out.reserve(found.size());
  for (const auto& [slot, task] : found) out.push_back(task);
  return out;
}

std::vector<TaskId> View::tasks_on_node(NodeId id) const {
  std::vector<TaskId> out;
  if (const auto now = data_->tasks_by_node.find(id); now != data_->tasks_by_node.end())
    for (const TaskId task : now->second)
      if (!saved<model::Task>().contains(task)) out.push_back(task);
  for (const auto& [task, before] : saved<model::Task>())
    if (before && before->node_id == id) out.push_back(task);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace swarm::store
