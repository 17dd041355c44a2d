// ChangeSet: what one applied transaction did, object by object, in the order of its actions.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "model/kinds.hpp"

namespace swarm::store {

template <class T>
struct Change {
  std::shared_ptr<const T> before;  // null: created
  std::shared_ptr<const T> after;   // null: removed
  bool created() const { return before == nullptr; }
  bool removed() const { return after == nullptr; }
  const T& latest() const { return after ? *after : *before; }
};

using AnyChange = model::ShownKinds::Each<Change>::Into<std::variant>;

struct ChangeSet {
  std::uint64_t version = 0;  // the entry's index
  WallTime time;
  std::vector<AnyChange> changes;
};

}  // namespace swarm::store
