// What becomes of one entry of the log. The answer follows from the entry, the store and its feature level
// alone, so that every replica gives the same: an entry that cannot be read, or that needs a newer level than
// the cluster has, is refused by all of them and changes nothing.
//
// That holds between builds, too. An older build cannot read an entry of a newer level: below that level, a
// newer build refuses the entry as well; from that level on, no older build takes part (Replica::run stops
// before it).
#pragma once

#include <string>
#include <string_view>

#include "model/feature_level.hpp"
#include "store/store.hpp"

namespace swarm::node {

struct EntryResult {
  std::uint64_t request = 0;  // its proposer's; 0 for an entry that cannot be read
  WallTime time;
  store::Applied applied;
  bool refused = false;  // as a whole: no leader of this build proposes such an entry
};

// Applies the entry at `index` (greater than store.version()). An empty entry is a leader's first one.
EntryResult apply_entry(store::Store& store, const model::Build& build, std::string_view data,
                        std::uint64_t index);

// The same for an entry that has been read already.
EntryResult apply_entry(store::Store& store, const model::Build& build, model::Transaction transaction,
                        std::uint64_t index);

}  // namespace swarm::node
