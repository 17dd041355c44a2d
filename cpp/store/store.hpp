// Store: the swarm's objects in memory, with indexes. The same on every manager at the same index.
//
// Written by `apply` only; apply is deterministic: what it does follows from the store and the transaction
// alone. Objects are immutable values behind shared pointers: a reader may keep one, a change puts another in
// its place. Single-threaded, like all of the core. NOT the log, and not the disk: `dirty` says what to write
// there.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"
#include "store/table.hpp"

namespace swarm::store {

struct Applied {
  model::Outcome outcome;
  ChangeSet changes;
};

class View;

class Store {
 public:
  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- reading
  std::uint64_t version() const { return version_; }  // index of the last applied entry
  // The objects of one kind (model/kinds.hpp), by id: all<model::Node>().
  template <class T>
  const typename Table<T>::Objects& all() const {
    return table<T>().objects;
  }
  // One of them; null for what is not there.
  template <class T>
  Ref<T> find(const IdOf<T>& id) const {
    return table<T>().find(id);
  }
  // By name, compared without case; for kinds whose names are unique.
  template <HasUniqueName T>
  Ref<T> named(std::string_view name) const {
    return table<T>().named(name);
  }

  const model::Cluster* cluster() const;
  // Returns the level that the log may use from the next entry on.
  model::FeatureLevel feature_level() const {
    return cluster() != nullptr ? cluster()->feature_level : model::kFirstLevel;
  }
  const auto& nodes() const { return all<model::Node>(); }
  const auto& services() const { return all<model::Service>(); }
  const auto& tasks() const { return all<model::Task>(); }
  const auto& networks() const { return all<model::Network>(); }
  const auto& keys() const { return all<model::KeyValue>(); }

  Ref<model::Node> node(NodeId id) const { return find<model::Node>(id); }
  Ref<model::Service> service(ServiceId id) const { return find<model::Service>(id); }
  Ref<model::Task> task(TaskId id) const { return find<model::Task>(id); }
  Ref<model::Network> network(NetworkId id) const { return find<model::Network>(id); }
  Ref<model::KeyValue> key(std::string_view key) const { return table<model::KeyValue>().find(key); }
  Ref<model::Service> service_named(std::string_view name) const { return named<model::Service>(name); }
  Ref<model::Network> network_named(std::string_view name) const { return named<model::Network>(name); }

  // Tasks of a service by (slot, id): a slot is a range. Tasks on a node, and with an address on a network,
  // by id. An unknown id gives an empty set.
  using SlotIndex = std::set<std::pair<std::uint64_t, TaskId>>;
  const SlotIndex& tasks_of_service(ServiceId id) const;
  std::vector<Ref<model::Task>> tasks_in_slot(ServiceId id, std::uint64_t slot) const;
  const std::set<TaskId>& tasks_on_node(NodeId id) const;
  const std::set<TaskId>& tasks_on_network(NetworkId id) const;
  // All services that still have tasks, also those that are gone.
  const std::map<ServiceId, SlotIndex>& service_index() const { return data_->tasks_by_service; }

  // The shared template of a version of a service; null when no task and no service refers to it any more.
  Ref<model::TaskTemplate> task_template(ServiceId id, std::uint64_t spec_version) const;

  // The number of objects in each state; every state has an entry. Kept up with every change: reading costs
  // nothing.
  const std::map<model::TaskState, std::int64_t>& task_counts() const { return data_->task_counts; }
  const std::map<model::NodeState, std::int64_t>& node_counts() const { return data_->node_counts; }

  // The store as it is now, for reading that takes longer than a turn.
  std::shared_ptr<const View> view() const;

  // ---- writing
  // Applies the entry at `index` (greater than version()). All or nothing.
  Applied apply(model::Transaction transaction, std::uint64_t index);
  // An entry without a transaction (a leader's first entry, a membership change): only the version moves.
  void skip_to(std::uint64_t index);

  // ---- disk and snapshots
  using Key = store::Key;
  // One record as a value: an object, or a task's template.
  using Record = model::Kinds::Into<std::variant>;
  // Keys of what changed since the last call, for the batch that carries the applied index.
  std::vector<Key> take_dirty();
  std::optional<Record> record(const Key& key) const;  // nothing when it is gone
  std::vector<Key> all_keys() const;                   // in the order of model::Kinds
  // The encoding of the object at `key`; null when it is gone. `encode(object)` makes it once for each
  // version of an object: always pass the same function.
  template <class Encode>
  const std::string* encoding(const Key& key, const Encode& encode) const;
  // A hash of all records, the same for the same content, whatever was there in between: the sum of one hash
  // for each. Costs what changed since take_dirty(); `encode` is that of encoding().
  template <class Encode>
  Uint128 content_hash(const Encode& encode) const;
  // A record and the encoding that it was read from; empty: it is made when it is needed.
  struct Encoded {
    Record record;
    std::string encoding;
  };
  // Replaces everything. Tasks may come before their templates in `records`.
  Result<void> restore(std::vector<Encoded> records, std::uint64_t version);
  Result<void> restore(std::vector<Record> records, std::uint64_t version);

 private:
  friend class Applier;
  friend class View;

  // All that a restore replaces.
  struct Data {
    Data();
    model::Kinds::Each<Table>::Into<std::tuple> tables;
    std::map<ServiceId, SlotIndex> tasks_by_service;
    std::map<NodeId, std::set<TaskId>> tasks_by_node;
    std::map<NetworkId, std::set<TaskId>> tasks_by_network;
    std::map<model::TaskState, std::int64_t> task_counts;
    std::map<model::NodeState, std::int64_t> node_counts;
    Uint128 hash = 0;  // of all records whose own hash is not 0: those that are not dirty, and some that are

    // A record takes part in the hash, or does so no longer.
    template <class T>
    void add_to_hash(const Key& key, const Kept<T>& record);
    template <class T>
    void take_from_hash(const T* record) {
      if (record != nullptr) hash -= static_cast<const Kept<T>*>(record)->hash;
    }
    template <class T>
    Table<T>& table() {
      return std::get<Table<T>>(tables);
    }
    template <class T>
    const Table<T>& table() const {
      return std::get<Table<T>>(tables);
    }
    // `after` takes the place of `before`; either may be null.
    template <class T>
    void replace(const Ref<T>& before, const KeptRef<T>& after);
    // What is counted and indexed of a kind beside its table.
    void count(const model::Task* task, std::int64_t step);
    void count(const model::Node* node, std::int64_t step);
    template <class T>
    void count(const T*, std::int64_t) {}
    void index(const model::Task* before, const model::Task* after);
    template <class T>
    void index(const T*, const T*) {}
    void add_to_index(const model::Task& task);
    void take_from_index(const model::Task& task);
    // Records of a snapshot or a disk.
    template <class T>
    void adopt(T&& object, std::string encoding);
    void adopt(model::TaskTemplateRecord&& record, std::string encoding);
    Result<void> adopt_tasks(std::vector<std::pair<model::Task, std::string>> tasks);
  };

  template <class T>
  const Table<T>& table() const {
    return std::get<Table<T>>(data_->tables);
  }

  template <class T>
  void save_for_views(const IdOf<T>& id, const Ref<T>& before);

  std::uint64_t version_ = 0;
  std::shared_ptr<Data> data_ = std::make_shared<Data>();  // views hold it, too
  std::set<Key> dirty_;
  mutable bool has_unhashed_ = false;  // some were restored without an encoding
  mutable std::vector<std::weak_ptr<View>> views_;
};

template <class T>
void Store::Data::add_to_hash(const Key& key, const Kept<T>& record) {
  if (record.hash != 0) return;
  record.hash = hash_of(key, record.encoding);
  hash += record.hash;
}

template <class Encode>
const std::string* Store::encoding(const Key& key, const Encode& encode) const {
  const std::string* out = nullptr;
  model::visit_kind(key.kind, [&]<class T>() {
    const Kept<T>* kept = table<T>().kept(id_of_key<T>(key));
    if (kept == nullptr) return;
    out = &encoding_of(*kept, encode);
    data_->add_to_hash(key, *kept);
  });
  return out;
}

template <class Encode>
Uint128 Store::content_hash(const Encode& encode) const {
  for (const Key& key : dirty_) encoding(key, encode);
  if (std::exchange(has_unhashed_, false))
    for (const Key& key : all_keys()) encoding(key, encode);
  return data_->hash;
}

}  // namespace swarm::store
