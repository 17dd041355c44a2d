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
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "store/change_set.hpp"

namespace swarm::store {

template <class T>
using Ref = std::shared_ptr<const T>;

// Ordered by id. Iterate it freely; never keep an iterator across an apply.
template <class IdType, class T>
using Table = std::map<IdType, Ref<T>>;

struct Applied {
  model::Outcome outcome;
  ChangeSet changes;
};

class Store {
 public:
  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- reading
  std::uint64_t version() const { return version_; }  // index of the last applied entry
  const model::Cluster* cluster() const { return cluster_.get(); }
  const Table<NodeId, model::Node>& nodes() const { return nodes_; }
  const Table<ServiceId, model::Service>& services() const { return services_; }
  const Table<TaskId, model::Task>& tasks() const { return tasks_; }
  const Table<NetworkId, model::Network>& networks() const { return networks_; }
  const std::map<std::string, Ref<model::KeyValue>, std::less<>>& keys() const { return keys_; }

  Ref<model::Node> node(NodeId id) const;
  Ref<model::Service> service(ServiceId id) const;
  Ref<model::Task> task(TaskId id) const;
  Ref<model::Network> network(NetworkId id) const;
  Ref<model::KeyValue> key(std::string_view key) const;

  // Names are compared without case.
  Ref<model::Service> service_named(std::string_view name) const;
  Ref<model::Network> network_named(std::string_view name) const;

  // Tasks of a service by (slot, id): a slot is a range. Tasks on a node by id. Empty sets for the unknown.
  using SlotIndex = std::set<std::pair<std::uint64_t, TaskId>>;
  const SlotIndex& tasks_of_service(ServiceId id) const;
  std::vector<Ref<model::Task>> tasks_in_slot(ServiceId id, std::uint64_t slot) const;
  const std::set<TaskId>& tasks_on_node(NodeId id) const;
  // Tasks of services that are gone, too: all services that still have tasks.
  const std::map<ServiceId, SlotIndex>& service_index() const { return tasks_by_service_; }

  // The shared template of a version of a service; null when nobody refers to it any more.
  Ref<model::TaskTemplate> task_template(ServiceId id, std::uint64_t spec_version) const;

  // How many there are in each state; every state is there. Kept as they change: reading costs nothing.
  const std::map<model::TaskState, std::int64_t>& task_counts() const { return task_counts_; }
  const std::map<model::NodeState, std::int64_t>& node_counts() const { return node_counts_; }

  // ---- writing
  // Applies the entry at `index` (greater than version()). All or nothing.
  Applied apply(const model::Transaction& transaction, std::uint64_t index);
  // An entry without a transaction (a leader's first entry, a membership change): only the version moves.
  void skip_to(std::uint64_t index);

  // ---- disk and snapshots
  // Keys of what changed since the last call, for the batch that carries the applied index.
  struct Key {
    model::Kind kind;
    Uint128 id = 0;
    std::uint64_t spec_version = 0;  // task templates only
    std::string name{};              // in place of the id: of a key
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> take_dirty();
  // One object as a value; nothing when it is gone. Templates come as TaskTemplateRecord.
  struct TaskTemplateRecord {
    ServiceId service_id;
    std::uint64_t spec_version = 0;
    model::TaskTemplate templ;
  };
  using Record = std::variant<model::Cluster, model::Node, model::Service, model::Task, model::Network,
                              TaskTemplateRecord, model::KeyValue>;
  std::optional<Record> record(const Key& key) const;
  std::vector<Key> all_keys() const;  // templates before the tasks that refer to them
  // Replaces everything. Tasks may come before their templates in `records`.
  Result<void> restore(std::vector<Record> records, std::uint64_t version);

 private:
  friend class Applier;

  std::uint64_t version_ = 0;
  Ref<model::Cluster> cluster_;
  Table<NodeId, model::Node> nodes_;
  Table<ServiceId, model::Service> services_;
  Table<TaskId, model::Task> tasks_;
  Table<NetworkId, model::Network> networks_;
  std::map<std::string, Ref<model::KeyValue>, std::less<>> keys_;
  std::map<std::string, ServiceId, std::less<>> service_names_;  // lower case
  std::map<std::string, NetworkId, std::less<>> network_names_;
  std::map<ServiceId, SlotIndex> tasks_by_service_;
  std::map<NodeId, std::set<TaskId>> tasks_by_node_;
  struct TemplateSlot {
    Ref<model::TaskTemplate> templ;
    std::uint64_t users =
        0;  // tasks that refer to it; the service's current and previous versions hold it besides
  };
  std::map<std::pair<ServiceId, std::uint64_t>, TemplateSlot> templates_;
  std::map<model::TaskState, std::int64_t> task_counts_;
  std::map<model::NodeState, std::int64_t> node_counts_;
  std::set<Key> dirty_;

  void count(const model::Task& task, std::int64_t step);
  void count(const model::Node& node, std::int64_t step);
  // Other kinds have no states that are counted.
  template <class T>
  void count(const T&, std::int64_t) {}
};

}  // namespace swarm::store
