#include "faults/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include "base/result.hpp"

namespace swarm::faults {
namespace {

constexpr std::size_t kMostListed = 20;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Letters to add, take away, change or exchange with their neighbour (Damerau, 1964).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> older, before(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) before[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], older[j - 2] + 1);
    }
    older = before;
    before = row;
  }
  return before[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::string wanted = lower(word).substr(0, 200);
  const std::string* best = nullptr;
  std::size_t least = 0;
  for (const auto& one : known) {
    const std::size_t away = distance(wanted, lower(one));
    if (away * 5 > std::max(wanted.size(), one.size()) * 2 && away > 1) continue;
    if (best != nullptr && away >= least) continue;
    best = &one;
    least = away;
  }
  return best == nullptr ? std::string() : *best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  std::string text = near.empty() ? "" : "Did you mean \"" + near + "\"? ";
  text += "There are: ";
  for (std::size_t i = 0; i < known.size() && i < kMostListed; ++i) text += (i == 0 ? "" : ", ") + known[i];
  if (known.size() > kMostListed) text += ", ... (" + std::to_string(known.size()) + " in all)";
  return text + (known.empty() ? "none." : ".");
}

Error unknown(std::string_view what, std::string_view word, const std::vector<std::string>& known) {
  return {Code::not_found, "there is no " + std::string(what) + " \"" + std::string(word) + "\"",
          did_you_mean(word, known)};
}

std::string sentence(const Error& error) {
  return error.hint.empty() ? error.message : error.message + ". " + error.hint;
}

}  // namespace swarm::faults
