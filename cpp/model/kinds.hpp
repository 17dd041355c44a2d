// The kinds of objects. To add one: its struct declares what it is (model/kind.hpp), and is listed here.
#pragma once

#include "base/type_list.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"

namespace swarm::model {

// The order is that of a snapshot: an object comes before those that refer to it.
using Kinds = TypeList<Cluster, Node, Network, Service, TaskTemplateRecord, Task, KeyValue>;

template <class T>
using IsPut = std::bool_constant<T::kWrittenBy == WrittenBy::put>;
template <class T>
using IsShown = std::bool_constant<T::kWrittenBy != WrittenBy::store>;

using PutKinds = Filter<Kinds, IsPut>;      // what a Put may carry
using ShownKinds = Filter<Kinds, IsShown>;  // whose changes others see

// Calls visit.template operator()<T>() for the kind with this number. Returns false if there is none.
template <class Visit>
bool visit_kind(Kind kind, Visit&& visit) {
  return Kinds::any([&]<class T>() {
    if (T::kKind != kind) return false;
    visit.template operator()<T>();
    return true;
  });
}

// "node", "task_template"; "kind 77" for a number that this version does not know.
std::string to_string(Kind kind);

namespace detail {
template <class... T>
constexpr bool numbers_differ(TypeList<T...>) {
  std::uint64_t seen[4] = {};
  const auto is_new = [&](std::uint8_t number) {
    const bool fresh = (seen[number / 64] >> (number % 64) & 1) == 0;
    seen[number / 64] |= std::uint64_t{1} << (number % 64);
    return fresh;
  };
  return (is_new(static_cast<std::uint8_t>(T::kKind)) && ...);
}
}  // namespace detail
static_assert(detail::numbers_differ(Kinds{}), "two kinds have one number");

}  // namespace swarm::model
