// Table<T>: the objects of one kind by id, and by name where no two may have one name. Objects are immutable
// values behind shared pointers: a reader may keep one, a change puts another in its place.
//
// A table keeps each version of an object together with its encoding: the bytes that the disk and snapshots
// hold. They are made when they are first needed, or kept from where the object was read, and live as long as
// the version does. The codec and the node decide what the bytes are: the store only keeps them. Beside them
// is the hash of the key and the bytes, once it is part of the store's (Store::content_hash).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/mistake.hpp"
#include "model/kinds.hpp"
#include "store/key.hpp"
#include "store/text.hpp"

namespace swarm::store {

template <class T>
using Ref = std::shared_ptr<const T>;

// One version of an object, as a table keeps it.
template <class T>
struct Kept final : T {
  explicit Kept(T object, std::string its_encoding = {})
      : T(std::move(object)), encoding(std::move(its_encoding)) {}
  mutable std::string encoding;  // empty until it is needed
  mutable Uint128 hash = 0;      // 0: it is not part of the store's hash yet
};
template <class T>
using KeptRef = std::shared_ptr<const Kept<T>>;

// The encoding of `object`, which `encode(object)` makes the first time.
template <class T, class Encode>
const std::string& encoding_of(const Kept<T>& object, const Encode& encode) {
  if (object.encoding.empty()) {
    object.encoding = encode(static_cast<const T&>(object));
    object.encoding.shrink_to_fit();
  }
  return object.encoding;
}

template <class T>
concept HasUniqueName = requires(const T& object) {
  object.unique_name();
};

template <class T>
struct Table {
  using IdType = IdOf<T>;
  using Objects = std::map<IdType, Ref<T>, std::less<>>;

  // NOLINTNEXTLINE(bugprone-return-const-ref-from-parameter): only ever of a place in the table
  static const Ref<T>& ref(const Ref<T>& place) { return place; }

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
  void put(KeptRef<T> after) {
    Ref<T>& place = objects[id_of(*after)];
    if constexpr (HasUniqueName<T>) {
      if (place) names.erase(lower(place->unique_name()));
      names[lower(after->unique_name())] = id_of(*after);
    }
    place = std::move(after);
  }
  void remove(const T& object) {
    if constexpr (HasUniqueName<T>)
      if (!SWARM_MISTAKE("store.names-stay-taken")) names.erase(lower(object.unique_name()));
    objects.erase(id_of(object));
  }

  std::optional<T> record(const IdType& id) const {
    const Ref<T> object = find(id);
    return object ? std::optional<T>(*object) : std::nullopt;
  }
  // Null for what is not there.
  const Kept<T>* kept(const IdType& id) const {
    const auto found = objects.find(id);
    if (found == objects.end()) return nullptr;
    // put() is the only way in: every object here is a Kept.
    return static_cast<const Kept<T>*>(found->second.get());
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
    KeptRef<model::TaskTemplateRecord> record;
    std::uint64_t users = 0;

    Ref<model::TaskTemplate> templ() const {
      return record ? Ref<model::TaskTemplate>(record, &record->templ) : nullptr;
    }
  };
  std::map<IdType, Slot> objects;

  static Ref<model::TaskTemplateRecord> ref(const Slot& slot) { return slot.record; }
  Ref<model::TaskTemplate> find(const IdType& id) const {
    const auto found = objects.find(id);
    return found == objects.end() ? nullptr : found->second.templ();
  }
  std::optional<model::TaskTemplateRecord> record(const IdType& id) const {
    const auto found = objects.find(id);
    if (found == objects.end() || !found->second.record) return std::nullopt;
    return *found->second.record;
  }
  const Kept<model::TaskTemplateRecord>* kept(const IdType& id) const {
    const auto found = objects.find(id);
    return found == objects.end() ? nullptr : found->second.record.get();
  }
  void add_keys(std::vector<Key>& keys) const {
    for (const auto& [id, slot] : objects) keys.push_back(key_of<model::TaskTemplateRecord>(id));
  }
};

}  // namespace swarm::store
