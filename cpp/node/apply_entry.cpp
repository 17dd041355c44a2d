#include "node/apply_entry.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/feature_level.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

EntryResult refuse(store::Store& store, std::uint64_t index, std::string why) {
  store.skip_to(index);
  EntryResult result;
  result.refused = true;
  result.applied.outcome = {false, index, std::move(why)};
  result.applied.changes.version = index;
  return result;
}

}  // namespace

EntryResult apply_entry(store::Store& store, const model::Build& build, std::string_view data,
                        std::uint64_t index) {
  if (data.empty()) {
    store.skip_to(index);
    return {};
  }
  auto transaction = codec::decode_transaction(data);
  if (!transaction) return refuse(store, index, transaction.error().message);
  return apply_entry(store, build, std::move(*transaction), index);
}

EntryResult apply_entry(store::Store& store, const model::Build& build, model::Transaction transaction,
                        std::uint64_t index) {
  const model::FeatureLevel needed = needed_level(build, transaction);
  const auto request = transaction.request;
  const WallTime time = transaction.time;
  if (needed <= store.feature_level())
    return {request, time, store.apply(std::move(transaction), index), false};
  auto result = refuse(store, index,
                       "it needs feature level " + std::to_string(needed) + ", and the swarm is at " +
                           std::to_string(store.feature_level()));
  result.request = request;
  return result;
}

}  // namespace swarm::node
