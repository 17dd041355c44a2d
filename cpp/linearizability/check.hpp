// Check: is a history linearizable, key by key; and if not, the smallest part of it that shows why.
#pragma once

#include <string>
#include <vector>

#include "linearizability/history.hpp"
#include "linearizability/search.hpp"

namespace swarm::linearizability {

struct Verdict {
  enum class Word : std::uint8_t { linearizable, contradiction, gave_up };
  Word word = Word::linearizable;
  std::string key;                    // that contradicts itself, or where the budget ended
  std::vector<std::uint32_t> window;  // operations of the contradiction, by their calls
  bool smallest = false;              // none of them can be left out
  std::uint64_t steps = 0;
};

// `history` is well formed (`malformed`). Keys are taken in order; the first contradiction is the answer.
Verdict check(const History& history, Model model, Budget budget);

}  // namespace swarm::linearizability
