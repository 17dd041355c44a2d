// Applier: one transaction on its way into the store. First every check, then every write; a check that fails leaves
// the store as it was. What it does follows from the store and the transaction alone.
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
  template <class T>
  std::optional<std::string> check_object(const Ref<T>& stored, const T& object);
  std::optional<std::string> check_object(const model::Cluster& cluster);

  // ---- writes
  void write(const model::Put& put);
  void write(const model::Remove& remove);
  void write(const model::TaskStep& step);
  void write(const model::NodeStep& step);
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
  void drop_template_if_unused(ServiceId service, std::uint64_t spec_version);
  void keep_template(const model::Service& service);

  friend class Store;

  Store& store_;
  const model::Transaction& transaction_;
  std::uint64_t index_;
  ChangeSet changes_;
  // Names that this very transaction creates: two creates of one name in one transaction conflict, too.
  std::set<std::string> new_service_names_, new_network_names_;
};

}  // namespace swarm::store
