// View: the store as it was at one version, for reading that takes longer than a turn: long lists, snapshots.
//
// Making one takes no time and copies nothing. When an object changes for the first time after that, the
// store saves the old one in the view: a view costs what changes while it lives, not what exists. A view
// stays valid when its store is restored or destroyed. Single-threaded, like the store. NOT for reading
// within one turn: the store is enough for that.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "store/store.hpp"

namespace swarm::store {

class View {
 public:
  std::uint64_t version() const { return version_; }

  // Null for what was not there.
  template <class T>
  Ref<T> find(const IdOf<T>& id) const;
  // Visits the objects of one kind in the order of their ids, from the first whose id is greater than
  // `*after` (null: from the first), until visit(ref) returns false.
  template <class T, class Visit>
  void visit_after(const IdOf<T>* after, const Visit& visit) const;
  // Ids of the tasks of a service in the order of (slot, id), and of those on a node by id. The cost: that
  // many tasks, and those that changed since.
  std::vector<TaskId> tasks_of_service(ServiceId id) const;
  std::vector<TaskId> tasks_on_node(NodeId id) const;

  // The encoding of an object of a view or a store, made once: see Store::encoding.
  template <class T, class Encode>
  static const std::string& encoding(const Ref<T>& object, const Encode& encode) {
    return encoding_of(static_cast<const Kept<T>&>(*object), encode);
  }

 private:
  friend class Store;
  template <class T>
  struct Saved {
    std::map<IdOf<T>, Ref<T>, std::less<>> objects;  // null: it was not there
  };

  View(std::shared_ptr<const Store::Data> data, std::uint64_t version)
      : data_(std::move(data)), version_(version) {}
  // `before` has changed; only the oldest version that comes here is kept.
  template <class T>
  void save(const IdOf<T>& id, const Ref<T>& before) {
    saved<T>().try_emplace(id, before);
  }
  template <class T>
  auto& saved() {
    return std::get<Saved<T>>(saved_).objects;
  }
  template <class T>
  const auto& saved() const {
    return std::get<Saved<T>>(saved_).objects;
  }

  std::shared_ptr<const Store::Data> data_;
  std::uint64_t version_ = 0;
  model::Kinds::Each<Saved>::Into<std::tuple> saved_;
};

template <class T>
Ref<T> View::find(const IdOf<T>& id) const {
  if (const auto found = saved<T>().find(id); found != saved<T>().end()) return found->second;
  const auto& objects = data_->template table<T>().objects;
  const auto found = objects.find(id);
  return found == objects.end() ? nullptr : Table<T>::ref(found->second);
}

template <class T, class Visit>
void View::visit_after(const IdOf<T>* after, const Visit& visit) const {
  const auto& objects = data_->template table<T>().objects;
  const auto& before = saved<T>();
  auto now = after != nullptr ? objects.upper_bound(*after) : objects.begin();
  auto then = after != nullptr ? before.upper_bound(*after) : before.begin();
  while (now != objects.end() || then != before.end()) {
    const bool is_saved = then != before.end() && (now == objects.end() || !(now->first < then->first));
    if (is_saved && now != objects.end() && !(then->first < now->first)) ++now;  // what it became
    const Ref<T> object = is_saved ? (then++)->second : Ref<T>(Table<T>::ref((now++)->second));
    if (object && !visit(object)) return;
  }
}

// `before` is what the views must show of it from now on.
template <class T>
void Store::save_for_views(const IdOf<T>& id, const Ref<T>& before) {
  std::erase_if(views_, [](const auto& view) { return view.expired(); });
  for (const auto& view : views_) view.lock()->template save<T>(id, before);
}

}  // namespace swarm::store
