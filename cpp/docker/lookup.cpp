#include "docker/lookup.hpp"

namespace swarm::docker {
namespace {

template <class IdType, class T>
Result<store::Ref<T>> by_prefix(const store::Table<IdType, T>& table, const char* kind,
                                const std::string& name) {
  const auto range = name.empty() ? std::nullopt : IdType::prefix_range(name);
  if (!range) return not_found(kind, name);
  const auto first = table.lower_bound(range->first), end = table.upper_bound(range->second);
  if (first == end) return not_found(kind, name);
  std::size_t matches = 0;
  for (auto it = first; it != end; ++it) ++matches;
  if (matches > 1) return ambiguous(kind, name, matches);
  return first->second;
}

template <class IdType, class T>
store::Ref<T> by_id(const store::Table<IdType, T>& table, const std::string& name) {
  const auto id = IdType::parse(name);
  if (!id || id->empty()) return nullptr;
  const auto it = table.find(*id);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace

Result<store::Ref<model::Node>> find_node(const store::Store& store, const std::string& name) {
  if (auto node = by_id(store.nodes(), name)) return node;
  store::Ref<model::Node> named;
  std::size_t matches = 0;
  for (const auto& [id, node] : store.nodes()) {
    if (node->description.hostname != name && node->spec.annotations.name != name) continue;
    named = node;
    ++matches;
  }
  if (matches > 1) return ambiguous("node", name, matches);
  if (named) return named;
  return by_prefix(store.nodes(), "node", name);
}

Result<store::Ref<model::Service>> find_service(const store::Store& store, const std::string& name) {
  if (auto service = by_id(store.services(), name)) return service;
  if (auto service = store.service_named(name)) return service;
  return by_prefix(store.services(), "service", name);
}

// A task's name ends with its id: "web.1.<id>".
Result<store::Ref<model::Task>> find_task(const store::Store& store, const std::string& name) {
  if (auto task = by_id(store.tasks(), name)) return task;
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos)
    if (auto task = by_id(store.tasks(), name.substr(dot + 1)); task && model::task_name(*task) == name)
      return task;
  return by_prefix(store.tasks(), "task", name);
}

Result<store::Ref<model::Network>> find_network(const store::Store& store, const std::string& name) {
  if (auto network = by_id(store.networks(), name)) return network;
  if (auto network = store.network_named(name)) return network;
  return by_prefix(store.networks(), "network", name);
}

}  // namespace swarm::docker
