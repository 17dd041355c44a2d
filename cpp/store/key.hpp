// Key: the name of one stored record, whatever its kind: what is dirty, what a snapshot holds, and (as bytes)
// the key on disk.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/content_hash.hpp"
#include "model/kinds.hpp"

namespace swarm::store {

// An object's id: a 128-bit one, a name (of a register's key), or a service's with a version (of a template).
template <class T>
const auto& id_of(const T& object) {
  if constexpr (requires { object.id; }) {
    return object.id;
  } else {
    return object.key;
  }
}
inline std::pair<ServiceId, std::uint64_t> id_of(const model::TaskTemplateRecord& record) {
  return {record.service_id, record.spec_version};
}
template <class T>
using IdOf = std::decay_t<decltype(id_of(std::declval<const T&>()))>;

struct Key {
  model::Kind kind{};
  Uint128 id = 0;
  std::uint64_t spec_version = 0;  // of a template
  std::string name{};              // in place of the id
  auto operator<=>(const Key&) const = default;
};

template <class T>
Key key_of(const IdOf<T>& id) {
  if constexpr (std::is_same_v<IdOf<T>, std::string>) {
    return {T::kKind, 0, 0, id};
  } else if constexpr (requires { id.second; }) {
    return {T::kKind, id.first.value(), id.second};
  } else {
    return {T::kKind, id.value(), 0};
  }
}

// Of one record; never 0.
inline Uint128 hash_of(const Key& key, std::string_view encoding) {
  ContentHash hash;
  hash.add(static_cast<std::uint64_t>(key.kind), key.spec_version).add(key.id);
  if (!key.name.empty()) hash.add(key.name);
  const Uint128 value = hash.add(encoding).value();
  return value != 0 ? value : 1;
}

template <class T>
IdOf<T> id_of_key(const Key& key) {
  using Id = IdOf<T>;
  if constexpr (std::is_same_v<Id, std::string>) {
    return key.name;
  } else if constexpr (requires(Id id) { id.second; }) {
    return {typename Id::first_type(key.id), key.spec_version};
  } else {
    return Id(key.id);
  }
}

}  // namespace swarm::store
