#include "linearizability/check.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "linearizability/history.hpp"
#include "linearizability/prepared.hpp"
#include "linearizability/search.hpp"
#include "linearizability/window.hpp"

namespace swarm::linearizability {
namespace {

// A read without an answer says nothing.
std::map<std::string, std::vector<std::uint32_t>> by_key(const History& history) {
  std::map<std::string, std::vector<std::uint32_t>> keys;
  for (std::uint32_t i = 0; i < history.size(); ++i)
    if (history[i].kind != Kind::read || history[i].returned) keys[history[i].key].push_back(i);
  for (auto& [key, which] : keys)
    std::stable_sort(which.begin(), which.end(),
                     [&](auto a, auto b) { return history[a].call < history[b].call; });
  return keys;
}

}  // namespace

Verdict check(const History& history, Model model, Budget budget) {
  Verdict verdict;
  for (const auto& [key, which] : by_key(history)) {
    const Found found = search(prepare(history, which, model), model, budget);
    if (found == Found::order) continue;
    verdict.key = key;
    verdict.word = found == Found::none ? Verdict::Word::contradiction : Verdict::Word::gave_up;
    verdict.window = which;
    if (found == Found::none) verdict.smallest = make_small(history, model, budget, verdict.window);
    break;
  }
  verdict.steps = budget.spent();
  return verdict;
}

}  // namespace swarm::linearizability
