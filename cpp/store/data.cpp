// What the store counts and indexes beside its tables: tasks by service and slot, by node and by template;
// the states of tasks and nodes.
#include "store/data.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "store/key.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::store {

using model::TaskTemplateRecord;

Store::Data::Data() {
  using model::NodeState;
  using model::TaskState;
  for (const TaskState state :
       {TaskState::new_, TaskState::pending, TaskState::assigned, TaskState::accepted, TaskState::preparing,
        TaskState::ready, TaskState::starting, TaskState::running, TaskState::complete, TaskState::shutdown,
        TaskState::failed, TaskState::rejected, TaskState::orphaned})
    task_counts[state] = 0;
  for (const NodeState state :
       {NodeState::unknown, NodeState::down, NodeState::ready, NodeState::disconnected})
    node_counts[state] = 0;
}

void Store::Data::count(const model::Task* task, std::int64_t step) {
  const std::int64_t left = task_counts[task->status.state] += step;
  SWARM_CHECK(left >= 0, left, "tasks are", model::to_string(task->status.state));
}
void Store::Data::count(const model::Node* node, std::int64_t step) {
  const std::int64_t left = node_counts[node->status.state] += step;
  SWARM_CHECK(left >= 0, left, "nodes are", model::to_string(node->status.state));
}

void Store::Data::index(const model::Task* before, const model::Task* after) {
  const bool stays = before != nullptr && after != nullptr && before->node_id == after->node_id &&
                     before->service_id == after->service_id && before->slot == after->slot &&
                     before->spec_version == after->spec_version && before->attachments == after->attachments;
  if (stays) return;
  if (before != nullptr) take_from_index(*before);
  if (after != nullptr) add_to_index(*after);
}

void Store::Data::add_to_index(const model::Task& task) {
  tasks_by_service[task.service_id].insert({task.slot, task.id});
  if (!task.node_id.empty()) tasks_by_node[task.node_id].insert(task.id);
  for (const auto& one : task.attachments) tasks_by_network[one.network_id].insert(task.id);
  ++table<TaskTemplateRecord>().objects[{task.service_id, task.spec_version}].users;
}

namespace {

// An empty set leaves no trace.
template <class Key>
void take_from(std::map<Key, std::set<TaskId>>& index, const Key& key, TaskId task) {
  const auto it = index.find(key);
  if (it == index.end()) return;
  it->second.erase(task);
  if (it->second.empty()) index.erase(it);
}

}  // namespace

void Store::Data::take_from_index(const model::Task& task) {
  auto& of_service = tasks_by_service[task.service_id];
  const bool was_there = of_service.erase({task.slot, task.id}) == 1;
  SWARM_CHECK(was_there, "task", task.id, "is not in the index of its service");
  if (of_service.empty()) tasks_by_service.erase(task.service_id);
  if (!task.node_id.empty()) take_from(tasks_by_node, task.node_id, task.id);
  for (const auto& one : task.attachments) take_from(tasks_by_network, one.network_id, task.id);
  auto& templ = table<TaskTemplateRecord>().objects[{task.service_id, task.spec_version}];
  SWARM_CHECK(templ.users > 0, "task", task.id, "uses a template that no task uses");
  --templ.users;
}

void Store::Data::adopt(TaskTemplateRecord&& record, std::string encoding) {
  auto& slot = table<TaskTemplateRecord>().objects[{record.service_id, record.spec_version}];
  const IdOf<TaskTemplateRecord> id = id_of(record);
  slot.record = std::make_shared<const Kept<TaskTemplateRecord>>(std::move(record), std::move(encoding));
  if (!slot.record->encoding.empty()) add_to_hash(key_of<TaskTemplateRecord>(id), *slot.record);
}

Result<void> Store::Data::adopt_tasks(std::vector<std::pair<model::Task, std::string>> tasks) {
  for (auto& [task, encoding] : tasks) {
    task.templ = table<TaskTemplateRecord>().find({task.service_id, task.spec_version});
    if (!task.templ)
      return plain_error(Code::data_loss, "task " + task.id.str() + " names version " +
                                              std::to_string(task.spec_version) + " of service " +
                                              task.service_id.str() + ", which is not there");
    adopt(std::move(task), std::move(encoding));
  }
  return {};
}

}  // namespace swarm::store
