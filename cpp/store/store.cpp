// Queries, dirty keys and restoring a store from its records. Writes are in apply.cpp.
#include "store/store.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/kinds.hpp"
#include "model/task.hpp"
#include "store/data.hpp"
#include "store/key.hpp"
#include "store/table.hpp"

namespace swarm::store {
namespace {

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

Store::Store() = default;
Store::~Store() = default;

const model::Cluster* Store::cluster() const {
  const auto& clusters = all<model::Cluster>();
  return clusters.empty() ? nullptr : clusters.begin()->second.get();
}

const Store::SlotIndex& Store::tasks_of_service(ServiceId id) const {
  const auto it = data_->tasks_by_service.find(id);
  return it == data_->tasks_by_service.end() ? empty_set<SlotIndex>() : it->second;
}

std::vector<Ref<model::Task>> Store::tasks_in_slot(ServiceId id, std::uint64_t slot) const {
  std::vector<Ref<model::Task>> out;
  const SlotIndex& index = tasks_of_service(id);
  for (auto it = index.lower_bound({slot, TaskId()}); it != index.end() && it->first == slot; ++it)
    out.push_back(task(it->second));
  return out;
}

const std::set<TaskId>& Store::tasks_on_node(NodeId id) const {
  const auto it = data_->tasks_by_node.find(id);
  return it == data_->tasks_by_node.end() ? empty_set<std::set<TaskId>>() : it->second;
}

const std::set<TaskId>& Store::tasks_on_network(NetworkId id) const {
  const auto it = data_->tasks_by_network.find(id);
  return it == data_->tasks_by_network.end() ? empty_set<std::set<TaskId>>() : it->second;
}

Ref<model::TaskTemplate> Store::task_template(ServiceId id, std::uint64_t spec_version) const {
  return table<model::TaskTemplateRecord>().find({id, spec_version});
}

void Store::skip_to(std::uint64_t index) {
  SWARM_CHECK(index > version_, "entry", index, "after", version_);
  version_ = index;
}

// ---- disk and snapshots

std::vector<Key> Store::take_dirty() {
  std::vector<Key> keys(dirty_.begin(), dirty_.end());
  dirty_.clear();
  return keys;
}

std::optional<Store::Record> Store::record(const Key& key) const {
  std::optional<Record> out;
  const bool known = model::visit_kind(key.kind, [&]<class T>() {
    if (auto object = table<T>().record(id_of_key<T>(key))) out = std::move(*object);
  });
  SWARM_CHECK(known, "a key of", model::to_string(key.kind));
  return out;
}

std::vector<Key> Store::all_keys() const {
  std::vector<Key> keys;
  model::Kinds::each([&]<class T>() { table<T>().add_keys(keys); });
  return keys;
}

Result<void> Store::restore(std::vector<Record> records, std::uint64_t version) {
  std::vector<Encoded> encoded;
  encoded.reserve(records.size());
  for (Record& record : records) encoded.push_back({std::move(record), {}});
  return restore(std::move(encoded), version);
}

Result<void> Store::restore(std::vector<Encoded> records, std::uint64_t version) {
  Data fresh;
  std::vector<std::pair<model::Task, std::string>> tasks;  // after the templates that they name
  bool has_unhashed = false;
  for (auto& [record, encoding] : records) {
    has_unhashed |= encoding.empty();
    if (auto* task = std::get_if<model::Task>(&record)) {
      tasks.emplace_back(std::move(*task), std::move(encoding));
    } else {
      std::visit([&, &bytes = encoding](auto& object) { fresh.adopt(std::move(object), std::move(bytes)); },
                 record);
    }
  }
  if (auto adopted = fresh.adopt_tasks(std::move(tasks)); !adopted) return adopted.error();
  version_ = version;
  has_unhashed_ = has_unhashed;
  data_ = std::make_shared<Data>(std::move(fresh));  // a view keeps what was
  views_.clear();
  dirty_.clear();
  return {};
}

}  // namespace swarm::store
