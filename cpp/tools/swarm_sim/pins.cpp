#include "pins.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>
#include "tools/swarm_sim/seed_run.hpp"

namespace swarm::tools {
namespace {

struct Line {
  std::string text;  // as it is in the file
  std::optional<std::uint64_t> seed;
  std::string hash;
};

std::string hex(std::uint64_t hash) {
  std::ostringstream out;
  out << std::hex << std::setw(16) << std::setfill('0') << hash;
  return out.str();
}

// The hash of a seed that breaks a promise says nothing: it is an error.
std::optional<std::string> hash_of(std::uint64_t seed, const Options& options) {
  const Run run = run_seed(seed, options, false);
  if (run.failure.empty()) return hex(run.hash);
  std::cerr << "seed " << seed << " fails; see: swarm_sim --seed " << seed << "\n";
  return std::nullopt;
}

Line line_of(const std::string& text) {
  Line line{text, std::nullopt, {}};
  std::istringstream words(text.substr(0, text.find('#')));
  if (std::uint64_t seed = 0; words >> seed) {
    line.seed = seed;
    words >> line.hash;
  }
  return line;
}

std::vector<Line> lines_of(const std::string& file) {
  std::vector<Line> lines;
  std::ifstream in(file);
  for (std::string text; std::getline(in, text);) lines.push_back(line_of(text));
  if (lines.empty()) std::cerr << "swarm_sim: " << file << " cannot be read, or is empty\n";
  return lines;
}

}  // namespace

int print_hashes(const Options& options) {
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto hash = hash_of(seed, options);
    if (!hash) return 1;
    std::cout << seed << ' ' << *hash << '\n' << std::flush;
  }
  return 0;
}

int check_pins(const Options& options) {
  std::size_t same = 0, different = 0;
  for (const Line& line : lines_of(options.pinned)) {
    if (!line.seed) continue;
    const std::string now = hash_of(*line.seed, options).value_or("none");
    ++(now == line.hash ? same : different);
    if (now != line.hash)
      std::cout << "seed " << *line.seed << ": the trace is " << now << ", pinned is " << line.hash << '\n';
  }
  std::cout << same << " of " << same + different << " pinned traces are the same\n";
  if (different != 0)
    std::cout << "If what the swarm does was changed on purpose: make pins. If not, a compiler or a machine "
                 "makes a difference, and it may not.\n";
  return same != 0 && different == 0 ? 0 : 1;
}

int renew_pins(const Options& options) {
  std::ostringstream out;
  std::size_t seeds = 0;
  for (const Line& line : lines_of(options.pinned)) {
    if (line.seed) {
      const auto hash = hash_of(*line.seed, options);
      if (!hash) return 1;
      out << *line.seed << ' ' << *hash << '\n';
      ++seeds;
    } else {
      out << line.text << '\n';
    }
  }
  if (seeds == 0) return 1;
  std::ofstream(options.pinned) << out.str();
  std::cout << options.pinned << ": " << seeds << " traces pinned\n";
  return 0;
}

}  // namespace swarm::tools
