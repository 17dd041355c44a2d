// Reading the store, and what of it goes to the disk. What writes it is in apply.cpp.
#include "store/store.hpp"

#include <algorithm>
#include <cctype>

#include "store/text.hpp"

namespace swarm::store {
namespace {

template <class Map, class Key>
typename Map::mapped_type find_ref(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second;
}

template <class Ids>
const Ids& empty_set() {
  static const Ids kEmpty;
  return kEmpty;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  return out;
}

Store::Store() {
  using model::TaskState;
  for (const TaskState state :
       {TaskState::new_, TaskState::pending, TaskState::assigned, TaskState::accepted, TaskState::preparing,
        TaskState::ready, TaskState::starting, TaskState::running, TaskState::complete, TaskState::shutdown,
        TaskState::failed, TaskState::rejected, TaskState::orphaned})
    task_counts_[state] = 0;
  for (const model::NodeState state : {model::NodeState::unknown, model::NodeState::down,
                                       model::NodeState::ready, model::NodeState::disconnected})
    node_counts_[state] = 0;
}
Store::~Store() = default;

Ref<model::Node> Store::node(NodeId id) const { return find_ref(nodes_, id); }
Ref<model::Service> Store::service(ServiceId id) const { return find_ref(services_, id); }
Ref<model::Task> Store::task(TaskId id) const { return find_ref(tasks_, id); }
Ref<model::Network> Store::network(NetworkId id) const { return find_ref(networks_, id); }

Ref<model::KeyValue> Store::key(std::string_view key) const { return find_ref(keys_, key); }

Ref<model::Service> Store::service_named(std::string_view name) const {
  const auto it = service_names_.find(lower(name));
  return it == service_names_.end() ? nullptr : service(it->second);
}

Ref<model::Network> Store::network_named(std::string_view name) const {
  const auto it = network_names_.find(lower(name));
  return it == network_names_.end() ? nullptr : network(it->second);
}

const Store::SlotIndex& Store::tasks_of_service(ServiceId id) const {
  const auto it = tasks_by_service_.find(id);
  return it == tasks_by_service_.end() ? empty_set<SlotIndex>() : it->second;
}

std::vector<Ref<model::Task>> Store::tasks_in_slot(ServiceId id, std::uint64_t slot) const {
  std::vector<Ref<model::Task>> out;
  const SlotIndex& index = tasks_of_service(id);
  for (auto it = index.lower_bound({slot, TaskId()}); it != index.end() && it->first == slot; ++it)
    out.push_back(task(it->second));
  return out;
}

const std::set<TaskId>& Store::tasks_on_node(NodeId id) const {
  const auto it = tasks_by_node_.find(id);
  return it == tasks_by_node_.end() ? empty_set<std::set<TaskId>>() : it->second;
}

Ref<model::TaskTemplate> Store::task_template(ServiceId id, std::uint64_t spec_version) const {
  const auto it = templates_.find({id, spec_version});
  return it == templates_.end() ? nullptr : it->second.templ;
}

void Store::skip_to(std::uint64_t index) {
  SWARM_CHECK(index > version_, "entry", index, "after", version_);
  version_ = index;
}

void Store::count(const model::Task& task, std::int64_t step) { task_counts_[task.status.state] += step; }
void Store::count(const model::Node& node, std::int64_t step) { node_counts_[node.status.state] += step; }

std::vector<Store::Key> Store::take_dirty() {
  std::vector<Key> keys(dirty_.begin(), dirty_.end());
  dirty_.clear();
  return keys;
}

std::optional<Store::Record> Store::record(const Key& key) const {
  const auto as_record = [](const auto& ref) { return ref ? std::optional<Record>(*ref) : std::nullopt; };
  switch (key.kind) {
    case model::Kind::cluster:
      return cluster_ ? as_record(cluster_) : std::nullopt;
    case model::Kind::node:
      return as_record(node(NodeId(key.id)));
    case model::Kind::service:
      return as_record(service(ServiceId(key.id)));
    case model::Kind::task:
      return as_record(task(TaskId(key.id)));
    case model::Kind::network:
      return as_record(network(NetworkId(key.id)));
    case model::Kind::task_template: {
      const auto templ = task_template(ServiceId(key.id), key.spec_version);
      if (!templ) return std::nullopt;
      return TaskTemplateRecord{ServiceId(key.id), key.spec_version, *templ};
    }
    case model::Kind::key_value:
      return as_record(this->key(key.name));
  }
  return std::nullopt;
}

std::vector<Store::Key> Store::all_keys() const {
  using model::Kind;
  std::vector<Key> keys;
  if (cluster_) keys.push_back({Kind::cluster, cluster_->id.value(), 0});
  for (const auto& [id, object] : nodes_) keys.push_back({Kind::node, id.value(), 0});
  for (const auto& [id, object] : networks_) keys.push_back({Kind::network, id.value(), 0});
  for (const auto& [id, object] : services_) keys.push_back({Kind::service, id.value(), 0});
  for (const auto& [id, slot] : templates_)
    keys.push_back({Kind::task_template, id.first.value(), id.second});
  for (const auto& [id, object] : tasks_) keys.push_back({Kind::task, id.value(), 0});
  for (const auto& [name, object] : keys_) keys.push_back({Kind::key_value, 0, 0, name});
  return keys;
}

}  // namespace swarm::store
