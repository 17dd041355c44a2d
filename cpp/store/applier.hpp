// Applier: one transaction on its way into the store. First every check, then every write; a check that fails
// leaves the store as it was. What it does follows from the store and the transaction alone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "store/store.hpp"

namespace swarm::store {

class Applier {
 public:
  Applier(Store& store, const model::Transaction& transaction, std::uint64_t index)
      : store_(store), transaction_(transaction), index_(index) {}
  Applied run();

 private:
  // ---- checks: an error text, or nothing
  std::optional<std::string> check_all();
  std::optional<std::string> check(const model::Put& put);
  std::optional<std::string> check(const model::Remove& remove);
  std::optional<std::string> check(const model::TaskStep& step);
  std::optional<std::string> check(const model::NodeStep& step);
  std::optional<std::string> check(const model::WriteKey& write);
  template <class T>
  std::optional<std::string> check_object(const Ref<T>& stored, const T& object);
  std::optional<std::string> check_task(const model::Task& task);
  std::optional<std::string> check_service(const model::Service& service);
  std::optional<std::string> check_network(const model::Network& network);
  std::optional<std::string> check_object(const model::Cluster& cluster);

  // ---- writes
  void write(const model::Put& put);
  void write(const model::Remove& remove);
  void write(const model::TaskStep& step);
  void write(const model::NodeStep& step);
  void write(const model::WriteKey& write);
  void put(const model::Cluster& cluster);
  void put(const model::Node& node);
  void put(const model::Service& service);
  void put(const model::Task& task);
  void put(const model::Network& network);
  void remove_task(TaskId id);
  void remove_service(ServiceId id);

  template <class T>
  T stamped(const T& object, const Ref<T>& before);
  template <class T>
  void note(model::Kind kind, Uint128 id, Ref<T> before, Ref<T> after);
  void index_task(const model::Task& task);
  void unindex_task(const model::Task& task);
  void drop_unused_templates();
  void keep_template(const model::Service& service);

  friend class Store;

  Store& store_;
  const model::Transaction& transaction_;
  std::uint64_t index_;
  ChangeSet changes_;
  // What the actions checked so far will bring, so that two of one transaction cannot contradict each other.
  std::map<std::string, ServiceId> claimed_service_names_;
  std::map<std::string, NetworkId> claimed_network_names_;
  std::set<Store::Key> created_;
  std::set<std::pair<ServiceId, std::uint64_t>> templates_to_come_;
  // Templates that may have lost their last user. Looked at when all is written: a later action may need
  // them.
  std::set<std::pair<ServiceId, std::uint64_t>> released_;
};

}  // namespace swarm::store
