// Inside the store: how one object takes the place of another, with all that is counted and indexed of it.
#pragma once

#include "store/store.hpp"

namespace swarm::store {

template <class T>
void Store::Data::replace(const Ref<T>& before, const Ref<T>& after) {
  if (before) count(before.get(), -1);
  if (after) count(after.get(), +1);
  index(before.get(), after.get());
  if (after) {
    table<T>().put(after);
  } else {
    table<T>().remove(*before);
  }
}

template <class T>
void Store::Data::adopt(T&& object) {
  replace<T>(nullptr, std::make_shared<T>(std::move(object)));
}

}  // namespace swarm::store
