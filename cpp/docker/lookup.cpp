#include "docker/lookup.hpp"

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "store/key.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

template <class T>
Result<store::Ref<T>> by_prefix(const store::Store& store, const std::string& name) {
  const auto& all = store.all<T>();
  const auto range = name.empty() ? std::nullopt : store::IdOf<T>::prefix_range(name);
  if (!range) return not_found(T::kWord, name);
  const auto first = all.lower_bound(range->first), end = all.upper_bound(range->second);
  if (first == end) return not_found(T::kWord, name);
  std::size_t matches = 0;
  for (auto it = first; it != end; ++it) ++matches;
  if (matches > 1) return ambiguous(T::kWord, name, matches);
  return first->second;
}

template <class T>
store::Ref<T> by_id(const store::Store& store, const std::string& name) {
  const auto id = store::IdOf<T>::parse(name);
  return id && !id->empty() ? store.find<T>(*id) : nullptr;
}

template <store::HasUniqueName T>
Result<store::Ref<T>> find(const store::Store& store, const std::string& name) {
  if (auto object = by_id<T>(store, name)) return object;
  if (auto object = store.named<T>(name)) return object;
  return by_prefix<T>(store, name);
}

}  // namespace

Result<store::Ref<model::Node>> find_node(const store::Store& store, const std::string& name) {
  if (auto node = by_id<model::Node>(store, name)) return node;
  store::Ref<model::Node> named;
  std::size_t matches = 0;
  for (const auto& [id, node] : store.nodes()) {
    if (node->description.hostname != name && node->spec.annotations.name != name) continue;
    named = node;
    ++matches;
  }
  if (matches > 1) return ambiguous("node", name, matches);
  if (named) return named;
  return by_prefix<model::Node>(store, name);
}

Result<store::Ref<model::Service>> find_service(const store::Store& store, const std::string& name) {
  return find<model::Service>(store, name);
}

// A task's name ends with its id: "web.1.<id>".
Result<store::Ref<model::Task>> find_task(const store::Store& store, const std::string& name) {
  if (auto task = by_id<model::Task>(store, name)) return task;
  if (const std::size_t dot = name.rfind('.'); dot != std::string::npos)
    if (auto task = by_id<model::Task>(store, name.substr(dot + 1)); task && model::task_name(*task) == name)
      return task;
  return by_prefix<model::Task>(store, name);
}

Result<store::Ref<model::Network>> find_network(const store::Store& store, const std::string& name) {
  return find<model::Network>(store, name);
}

}  // namespace swarm::docker
