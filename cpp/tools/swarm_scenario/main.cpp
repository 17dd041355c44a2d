// swarm_scenario: tells stories (tests/scenarios/*.txt) to simulated swarms and compares what is seen.
//
//     swarm_scenario [--rewrite] [--trace] FILE...
//
// A file may begin with `seed N`. Lines that begin with # are for readers. --rewrite puts in what is seen
// now.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "sim/world.hpp"
#include "story.hpp"

namespace {

using namespace swarm;

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Block {
  std::vector<std::string> before;  // comments and blank lines, as they stand
  std::vector<std::string> lines;
  std::string expected;
  std::size_t number = 0;  // of its first line
};

std::vector<Block> read_blocks(std::istream& in) {
  std::vector<Block> blocks(1);
  bool answers = false;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (answers) {
      if (line.empty()) {
        answers = false;
        blocks.emplace_back();
        blocks.back().before.push_back(line);
      } else {
        blocks.back().expected += line + "\n";
      }
    } else if (line == "----") {
      answers = true;
    } else if (line.empty() || line.front() == '#' || line.starts_with("seed ")) {
      (blocks.back().lines.empty() ? blocks.back().before : blocks.back().lines).push_back(line);
    } else {
      if (blocks.back().lines.empty()) blocks.back().number = number;
      blocks.back().lines.push_back(line);
    }
  }
  return blocks;
}

std::optional<std::uint64_t> seed_of(const std::vector<Block>& blocks) {
  for (const auto& line : blocks.front().before)
    if (line.starts_with("seed ")) return parse_whole<std::uint64_t>(line.substr(5));
  return 1;
}

std::string tell_block(scenario::Teller& teller, const Block& block) {
  std::string seen;
  for (const auto& line : block.lines)
    if (!line.empty() && line.front() != '#') seen += teller.tell(line);
  return seen.empty() ? "ok\n" : seen;
}

void print_trace(sim::World& world) {
  for (const auto& line : world.take_trace())
    std::cout << to_string(line.at - Instant{}) << ' ' << line.machine << ' ' << line.kind << ' ' << line.text
              << '\n';
}

struct Options {
  bool rewrite = false, trace = false;
};

void rewrite(const std::string& path, const std::vector<Block>& blocks) {
  std::ofstream out(path);
  for (const auto& block : blocks) {
    for (const auto& line : block.before) out << line << "\n";
    for (const auto& line : block.lines) out << line << "\n";
    if (!block.lines.empty()) out << "----\n" << block.expected;
  }
  std::cout << "REWRITTEN " << path << "\n";
}

bool run_file(const std::string& path, const Options& options) {
  std::ifstream in(path);
  if (!in) {
    std::cout << "FAIL " << path << ": cannot be read\n";
    return false;
  }
  std::vector<Block> blocks = read_blocks(in);
  const auto seed = seed_of(blocks);
  if (!seed) {
    std::cout << "FAIL " << path << ": \"seed\" wants a whole number of 64 bits\n";
    return false;
  }
  scenario::Teller teller(*seed);
  bool good = true;
  for (auto& block : blocks) {
    if (block.lines.empty()) continue;
    std::string seen;
    try {
      seen = tell_block(teller, block);
    } catch (const Broken& broken) {
      std::cout << "FAIL " << path << ":" << block.number << ": " << broken.what() << "\n";
      if (options.trace) print_trace(teller.world());
      return false;
    }
    if (seen == block.expected) continue;
    good = false;
    if (!options.rewrite)
      std::cout << "FAIL " << path << ":" << block.number << "\nexpected:\n"
                << block.expected << "seen:\n"
                << seen;
    block.expected = seen;
  }
  if (options.trace) print_trace(teller.world());
  if (options.rewrite && !good) {
    rewrite(path, blocks);
    return true;
  }
  if (good) std::cout << "PASS " << path << "\n";
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--rewrite") {
      options.rewrite = true;
    } else if (word == "--trace") {
      options.trace = true;
    } else {
      files.push_back(word);
    }
  }
  if (files.empty() || files.front().starts_with("-")) {
    std::cerr << "usage: swarm_scenario [--rewrite] [--trace] FILE...\n";
    return 2;
  }
  set_check_handler([](const std::string& sentence) { throw Broken(sentence); });
  const auto passed =
      std::count_if(files.begin(), files.end(), [&](const auto& file) { return run_file(file, options); });
  std::cout << passed << "/" << files.size() << " stories pass\n";
  return passed == std::ssize(files) ? 0 : 1;
}
