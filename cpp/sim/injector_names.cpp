// Which machines a fault means: names are checked first, "leader" and "minority" become machines.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "sim/injector.hpp"
#include "sim/machine.hpp"

namespace swarm::sim {

using faults::Fault;
using faults::Groups;
using faults::Kind;
using faults::Names;

bool Injector::has_machine(std::string_view name) const {
  return std::any_of(machines_.begin(), machines_.end(),
                     [&](const auto& machine) { return machine->options.name == name; });
}

Machine& Injector::machine(std::string_view name) const {
  for (const auto& machine : machines_)
    if (machine->options.name == name) return *machine;
  SWARM_CHECK(false, "no machine is called", name);
  return *machines_.front();
}

Result<void> Injector::known_machine(const std::string& name, bool is_side) const {
  if (name == "leader" || has_machine(name)) return {};
  std::vector<std::string> names;
  for (const auto& machine : machines_) names.push_back(machine->options.name);
  names.emplace_back("leader");
  if (is_side) names.emplace_back("minority");
  return faults::unknown("node", name, names);
}

Result<void> Injector::known(const Fault& fault) const {
  Names names = fault.names("from");
  for (const auto& name : fault.names("to")) names.push_back(name);
  std::erase(names, "*");
  if (const auto* groups = fault.find<Groups>("groups"))
    for (const Names& group : *groups) names.insert(names.end(), group.begin(), group.end());
  const auto of = fault.text("of");
  if (!of.empty() && of != "minority") names.push_back(of);
  if (const auto node = fault.text("node"); !node.empty()) names.push_back(node);
  for (const auto& name : names)
    if (const auto there = known_machine(name, name == of); !there) return there;
  return has_another_side(fault);
}

// What separates nodes, or is done to their links, is about two at least: else it would do nothing, in
// silence. "leader" is not known yet: it is asked again when it is.
Result<void> Injector::has_another_side(const Fault& fault) const {
  const bool parts = fault.kind == Kind::partition;
  Names one = fault.names("from"), other = fault.names("to");
  if (parts) {
    const auto* groups = fault.find<Groups>("groups");
    if (groups != nullptr && groups->size() > 1) return {};
    one = groups != nullptr ? groups->front() : Names{fault.text("of")};
    other = {"*"};
  }
  if (one == Names{"*"}) std::swap(one, other);
  if (one.empty() || other != Names{"*"}) return {};
  std::set<std::string_view> left;
  for (const auto& machine : machines_) left.insert(machine->options.name);
  if (one == Names{"*"} ? left.size() > 1 : !left.empty()) {
    for (const auto& name : one) left.erase(name == "leader" && !has_machine(name) ? hands_.leader() : name);
    if (!left.empty()) return {};
  }
  return Error{
      Code::invalid_argument,
      std::string(faults::word(fault.kind)) + ": all nodes are on one side, and nobody is on the other",
      "Leave a node out, or name two sides."};
}

Result<std::string> Injector::resolved(const std::string& name) const {
  if (name != "leader" || has_machine(name)) return name;
  std::string leader = hands_.leader();
  if (leader.empty())
    return Error{Code::failed_precondition, "nobody leads at this moment",
                 "Wait for a leader, or name a node."};
  return leader;
}

// Fewer than half of the managers, without the leader: the last ones.
Result<std::vector<std::string>> Injector::minority() const {
  std::vector<std::string> voters = hands_.voters();
  const std::size_t most = voters.empty() ? 0 : (voters.size() - 1) / 2;
  if (most == 0)
    return Error{Code::failed_precondition,
                 "a minority of " + std::to_string(voters.size()) + " managers is nobody",
                 "It takes three managers at least."};
  std::erase(voters, hands_.leader());
  voters.erase(voters.begin(), voters.end() - static_cast<std::ptrdiff_t>(most));
  return voters;
}

namespace {

// The names of machines in one argument of a fault.
std::vector<std::string*> names_in(const std::string& key, faults::Argument& argument) {
  std::vector<std::string*> all;
  if (auto* text = std::get_if<std::string>(&argument); text != nullptr && (key == "of" || key == "node"))
    all.push_back(text);
  if (auto* names = std::get_if<Names>(&argument))
    for (auto& name : *names) all.push_back(&name);
  if (auto* groups = std::get_if<Groups>(&argument))
    for (Names& group : *groups)
      for (auto& name : group) all.push_back(&name);
  return all;
}

}  // namespace

Result<Fault> Injector::resolved(Fault fault) const {
  if (fault.text("of") == "minority" && !has_machine("minority")) {
    auto names = minority();
    if (!names) return names.error();
    fault.arguments.erase("of");
    fault.set("groups", Groups{std::move(*names)});
  }
  for (auto& [key, value] : fault.arguments) {
    for (std::string* name : names_in(key, value)) {
      auto exact = resolved(*name);
      if (!exact) return exact.error();
      *name = std::move(*exact);
    }
  }
  if (const auto fits = faults::check(fault); !fits) return fits.error();  // "leader" may be named besides
  if (const auto fits = has_another_side(fault); !fits) return fits.error();
  return fault;
}

}  // namespace swarm::sim
