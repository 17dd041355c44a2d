// Overloaded: a function for each alternative of a variant, for std::visit:
//
//   std::visit(Overloaded{[](const A& a) { ... }, [](const B& b) { ... }}, variant);
//
// It has no default: a new alternative does not compile until each place that opens the variant names it.
#pragma once

namespace swarm {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace swarm
