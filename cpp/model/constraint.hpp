// Placement constraints: "node.role==manager", "node.labels.zone != a" (swarmkit
// manager/constraint/constraint.go).
//
// Two operators, no wildcards. Values are compared without case, label keys with case. A label that is
// missing is the empty string, so "!=" holds for it; an unknown key holds for no node, not even with "!=".
// `node.role` is the observed role; `node.ip` an address or a CIDR block of the address the node connects
// from.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/node.hpp"

namespace swarm::model {

struct Constraint {
  std::string key;  // as written
  bool is_not_equal = false;
  std::string value;
  bool operator==(const Constraint&) const = default;
};

// "constraint expected one operator from ==, !=", "key 'x' is invalid", "value 'x' is invalid".
Result<std::vector<Constraint>> parse_constraints(const std::vector<std::string>& texts);

bool matches(const Constraint& constraint, const Node& node);
bool matches(const std::vector<Constraint>& constraints, const Node& node);  // all of them

}  // namespace swarm::model
