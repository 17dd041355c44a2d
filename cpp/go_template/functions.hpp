// The functions of a template: `join`, which swarmkit adds (template/template.go), and text/template's own.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "go_template/value.hpp"

namespace swarm::go_template {

struct Function {
  std::string_view name;
  std::size_t fixed;    // this many arguments at least
  bool variadic;        // ... and any number more
  std::size_t strings;  // of so many of the first, only texts are taken
  // Null: `and` and `or`, which do not look at every argument.
  Result<Value> (*call)(const std::vector<Value>& arguments);
};

// Null: no such function.
const Function* find_function(std::string_view name);

}  // namespace swarm::go_template
