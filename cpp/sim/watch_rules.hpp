// The ready-made rules of sim/watch, by the words that Python's `sp.inv` has for them.
//
// NOT here: when they are checked (watch), and whether the service exists: a rule about one that does not is
// never broken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/watch.hpp"

namespace swarm::sim {

struct RuleSpec {
  std::string kind;     // "one_leader_per_term", ...
  std::string service;  // name or id; "": all services, where a rule is about services
  std::uint64_t number = 0;
};

// Nothing for an unknown kind.
std::optional<Rule> make_rule(const RuleSpec& spec);

}  // namespace swarm::sim
