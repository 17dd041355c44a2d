#include "sim/store_copy.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "store/store.hpp"

namespace swarm::sim {

std::unique_ptr<store::Store> copy_of(const store::Store& store) {
  auto copy = std::make_unique<store::Store>();
  std::vector<store::Store::Record> records;
  for (const auto& key : store.all_keys())
    if (auto record = store.record(key)) records.push_back(std::move(*record));
  const auto restored = copy->restore(std::move(records), store.version());
  SWARM_CHECK(restored.ok(), restored.ok() ? "" : restored.error().message);
  copy->take_dirty();
  return copy;
}

}  // namespace swarm::sim
