// Table<T>: the objects of one kind by id, and by name where no two may have one name. Objects are immutable
// values behind shared pointers: a reader may keep one, a change puts another in its place.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/kinds.hpp"
#include "store/key.hpp"
#include "store/text.hpp"

namespace swarm::store {

template <class T>
using Ref = std::shared_ptr<const T>;

template <class T>
concept HasUniqueName = requires(const T& object) {
  object.unique_name();
};

template <class T>
struct Table {
  using IdType = IdOf<T>;
  using Objects = std::map<IdType, Ref<T>, std::less<>>;

  // Ordered by id. Iterate it freely; never keep an iterator across an apply.
  Objects objects;
  std::map<std::string, IdType, std::less<>> names;  // in lower case; empty where names need not be unique

  // Null for what is not there.
  template <class Id>
  Ref<T> find(const Id& id) const {
    const auto found = objects.find(id);
    return found == objects.end() ? nullptr : found->second;
  }
  Ref<T> named(std::string_view name) const {
    const auto found = names.find(lower(name));
    return found == names.end() ? nullptr : find(found->second);
  }

  // `after` takes the place of the object with its id.
  void put(Ref<T> after) {
    Ref<T>& place = objects[id_of(*after)];
    if constexpr (HasUniqueName<T>) {
      if (place) names.erase(lower(place->unique_name()));
      names[lower(after->unique_name())] = id_of(*after);
    }
    place = std::move(after);
  }
  void remove(const T& object) {
    if constexpr (HasUniqueName<T>) names.erase(lower(object.unique_name()));
    objects.erase(id_of(object));
  }

  std::optional<T> record(const IdType& id) const {
    const Ref<T> object = find(id);
    return object ? std::optional<T>(*object) : std::nullopt;
  }
  void add_keys(std::vector<Key>& keys) const {
    for (const auto& [id, object] : objects) keys.push_back(key_of<T>(id));
  }
};

// Templates are shared by tasks: each knows how many of them refer to it. The service's current and previous
// versions hold it besides.
template <>
struct Table<model::TaskTemplateRecord> {
  using IdType = IdOf<model::TaskTemplateRecord>;
  struct Slot {
    Ref<model::TaskTemplate> templ;
    std::uint64_t users = 0;
  };
  std::map<IdType, Slot> objects;

  Ref<model::TaskTemplate> find(const IdType& id) const {
    const auto found = objects.find(id);
    return found == objects.end() ? nullptr : found->second.templ;
  }
  std::optional<model::TaskTemplateRecord> record(const IdType& id) const {
    const auto templ = find(id);
    if (!templ) return std::nullopt;
    return model::TaskTemplateRecord{id.first, id.second, *templ};
  }
  void add_keys(std::vector<Key>& keys) const {
    for (const auto& [id, slot] : objects) keys.push_back(key_of<model::TaskTemplateRecord>(id));
  }
};

}  // namespace swarm::store
