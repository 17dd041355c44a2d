// Applier: one transaction on its way into the store. First every check, then every write; a check that fails
// leaves the store as it was. What it does follows from the store and the transaction alone.
//
// All kinds of objects take the same path. What one kind needs beyond that is an overload of check_more,
// complete or wrote.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "store/store.hpp"

namespace swarm::store {

class Applier {
 public:
  Applier(Store& store, model::Transaction transaction, std::uint64_t index)
      : store_(store), transaction_(std::move(transaction)), index_(index) {}
  Applied run();

 private:
  using Refusal = std::optional<std::string>;  // why the transaction changes nothing

  // ---- checks
  Refusal check_all();
  Refusal check(const model::Put& put);
  Refusal check(const model::Remove& remove);
  Refusal check(const model::TaskStep& step);
  Refusal check(const model::NodeStep& step);
  Refusal check(const model::WriteKey& write);
  template <class T>
  Refusal check_put(const T& object);
  template <class T>
  Refusal check_version(const T& object);
  template <class T>
  Refusal check_name(const T& object);
  template <class T>
  Refusal check_removed(const model::Remove& remove);
  template <class T>
  Refusal check_more(const T&) {
    return std::nullopt;
  }
  Refusal check_more(const model::Cluster& cluster);
  Refusal check_more(const model::Service& service);
  Refusal check_more(const model::Task& task);
  bool is_used(NetworkId network);

  // ---- writes
  void write(model::Put& put);  // its object becomes the store's
  void write(const model::Remove& remove);
  void write(const model::TaskStep& step);
  void write(const model::NodeStep& step);
  void write(const model::WriteKey& write);
  // `after` takes the place of `before`: stamped with the version and the times, counted, indexed, noted.
  template <class T>
  void replace(const Ref<T>& before, T after);
  template <class T>
  void remove(const Ref<T>& before);
  template <class T>
  void note(const Ref<T>& before, const Ref<T>& after);
  template <class T>
  void complete(T&) {}
  void complete(model::Task& task);
  template <class T>
  void wrote(const T*, const T*) {}
  void wrote(const model::Service* before, const model::Service* after);
  void wrote(const model::Task* before, const model::Task* after);

  // ---- templates
  using TemplateId = std::pair<ServiceId, std::uint64_t>;
  void keep_template(const model::Service& service);
  bool is_needed(const TemplateId& id) const;
  void drop_unused_templates();

  template <class T>
  Table<T>& table() {
    return store_.data_->table<T>();
  }

  Store& store_;
  model::Transaction transaction_;
  std::uint64_t index_;
  ChangeSet changes_;
  // What the actions checked so far will bring, so that two of one transaction cannot contradict each other.
  std::map<std::pair<model::Kind, std::string>, Key> claimed_names_;
  bool looked_at_networks_ = false;
  std::set<NetworkId> used_networks_;  // by services, once they were looked at
  std::set<Key> created_;
  std::set<TemplateId> templates_to_come_;
  // Templates that may have lost their last user. Looked at when all is written: a later action may need
  // them.
  std::set<TemplateId> released_;
};

}  // namespace swarm::store
