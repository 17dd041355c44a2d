// Inside the store: how one object takes the place of another, with all that is counted and indexed of it.
#pragma once

#include "store/store.hpp"

namespace swarm::store {

template <class T>
void Store::Data::replace(const Ref<T>& before, const KeptRef<T>& after) {
  if (before) count(before.get(), -1);
  const T* next = after.get();
  if (next != nullptr) count(next, +1);
  index(before.get(), next);
  take_from_hash(before.get());
  if (after) {
    table<T>().put(after);
  } else {
    table<T>().remove(*before);
  }
}

template <class T>
void Store::Data::adopt(T&& object, std::string encoding) {
  const auto kept = std::make_shared<const Kept<T>>(std::forward<T>(object), std::move(encoding));
  if (!kept->encoding.empty()) add_to_hash(key_of<T>(id_of(*kept)), *kept);
  replace<T>(nullptr, kept);
}

}  // namespace swarm::store
