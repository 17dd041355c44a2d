// LinkRules: what the active faults do to which links. A rule is two sets of machines and what happens
// between them; there are few, so a link is looked up by trying each rule. Without rules nothing is looked up
// at all.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "sim/event_queue.hpp"

namespace swarm::sim {

// One end of a rule's links. Machines that were added later belong to "all others" only.
struct LinkEnd {
  std::vector<std::uint8_t> in;
  bool others = false;
  bool has(MachineIndex machine) const { return machine < in.size() ? in[machine] != 0 : others; }
};

// What a link is like while a `net` fault is on it. An unset value is the world network's.
struct LinkSettings {
  std::optional<Duration> latency, jitter;
  std::optional<std::uint32_t> loss_ppm, duplicate_ppm, reorder_ppm;
};

struct LinkRule {
  enum class What : std::uint8_t { cut, hold, net };
  What what = What::cut;
  LinkEnd from, to;
  bool both = true;
  LinkSettings settings;
  bool matches(MachineIndex one, MachineIndex other) const {
    if (one == other) return false;
    return (from.has(one) && to.has(other)) || (both && to.has(one) && from.has(other));
  }
};

class LinkRules {
 public:
  void set(std::vector<LinkRule> rules) { rules_ = std::move(rules); }
  bool empty() const { return rules_.empty(); }
  bool is(LinkRule::What what, MachineIndex from, MachineIndex to) const {
    for (const LinkRule& rule : rules_)
      if (rule.what == what && rule.matches(from, to)) return true;
    return false;
  }
  // The settings that were made last; null: as the world's network is.
  const LinkSettings* settings(MachineIndex from, MachineIndex to) const {
    for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule)
      if (rule->what == LinkRule::What::net && rule->matches(from, to)) return &rule->settings;
    return nullptr;
  }

 private:
  std::vector<LinkRule> rules_;  // in the order of their faults' beginnings
};

}  // namespace swarm::sim
