// A template, walked (text/template/exec.go, with missingkey=error).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "go_template/value.hpp"

namespace swarm::go_template {

inline constexpr std::size_t kMaxWork = 4'000'000;  // steps, and bytes that functions read and wrote

// Errors are Go's: `template: expansion:1:7: executing "expansion" at <.Node.nope>: can't evaluate field
// ...`.
// `work` is what was spent so far, of all templates that belong together: they share one bound.
Result<std::string> execute(std::string_view source, const Value& data, std::size_t& work);

}  // namespace swarm::go_template
