// Feature level: how much of the log's language all managers of a swarm understand. It is a number: the
// highest that a build of the engine knows (Build), that a node announces (NodeDescription), and the one at
// which the cluster stands (Cluster). Level 1 is the language before there were levels; an absent number
// means 1.
//
// What is new in the log (a kind of object, an action, a field or a value of an enum that an older decoder
// would drop or refuse) says at which level it came:
//
//   static constexpr FeatureLevel kSince = 2;    of a kind (kinds.hpp) or an action (transaction.hpp)
//   FeatureLevel needed_level() const            of an object, where only some of its values are new
//
// and kFeatureLevel becomes that number. The rest follows: below that level no manager proposes it and every
// replica refuses it (node/apply_entry); the leader raises the level once all managers know it
// (control/feature_level). NOT here: frames between nodes and what workers understand.
#pragma once

#include <cstdint>
#include <map>

#include "model/kind.hpp"

namespace swarm::model {

using FeatureLevel = std::uint32_t;

inline constexpr FeatureLevel kFirstLevel = 1;
inline constexpr FeatureLevel kFeatureLevel = 3;  // what this source tree knows

// What one build of the engine knows. A value, so that one swarm can be made of several builds.
struct Build {
  FeatureLevel feature_level = kFeatureLevel;
  // Levels of kinds, in place of their structs' own. For tests: no kind is newer than level 1 yet, so that a
  // test of an upgrade must pretend that one is.
  std::map<Kind, FeatureLevel> since;
  bool operator==(const Build&) const = default;
};

struct Transaction;
// The level that a cluster must have before `transaction` may stand in its log.
FeatureLevel needed_level(const Build& build, const Transaction& transaction);

}  // namespace swarm::model
