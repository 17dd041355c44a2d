// Draws a plan from a seed: which faults, how often, how long. The same options give the same plan.
//
// With `keep_quorum` no moment of the plan takes so many managers away (down, frozen, cut off, or as good as)
// that fewer than a quorum is left, and the same machine is never hit twice at once by what takes it away.
// Every fault ends within `duration`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/plan.hpp"

namespace swarm::faults {

struct DrawOptions {
  std::uint64_t seed = 0;
  std::vector<Kind> kinds;                // empty: all that a swarm survives (`drawable`)
  Duration every = Duration::seconds(2);  // from one to the next: half of it to one and a half
  Duration lasts = Duration::seconds(2);  // "for": half of it to one and a half
  Duration duration = Duration::seconds(30);
  bool keep_quorum = true;
  Names managers, workers;
  Names tasks;  // for kill_task: names ("web.1")
};

// The kinds that are drawn when none are named. Others may be named: kill_task (it wants tasks), port, image,
// and what breaks Raft's assumptions is never drawn.
std::vector<Kind> drawable();
Result<Plan> draw(const DrawOptions& options);
// {"seed": 1, "kinds": ["kill", "net"], "every": "2s", "for": "1s", "duration": "30s", "keep_quorum": true,
//  "managers": ["m1"], "workers": ["w1"], "tasks": ["web.1"]}; absent machines: those of `otherwise`.
Result<DrawOptions> draw_options(std::string_view json, DrawOptions otherwise);

// ---- is a plan safe?
// The least number of managers that are left at any moment of a plan; of faults of which "leader" and
// "minority" are not resolved, as many as those can be.
std::size_t fewest_managers(const Plan& plan, const Names& managers);

}  // namespace swarm::faults
