// swarm_fuzz [--each COUNT] [TARGET [FILE...]]: reads bytes of strangers until something breaks.
//
//   swarm_fuzz                 every target: its seeds, and COUNT (2000) changed ones of each, always the
//   same swarm_fuzz frame           one target swarm_fuzz frame FILE...   the bytes of these files, as they
//   are: what a fuzzer found once swarm_fuzz --list          the targets swarm_fuzz --seeds DIR     writes
//   the seeds, a folder a target, for a fuzzer to begin from
//
// The same targets under libFuzzer, which looks for new paths: scripts/fuzz.sh.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/number.hpp"
#include "base/rng.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

constexpr std::uint64_t kEach = 2'000;

std::string random_bytes(Rng& rng, std::uint64_t most) {
  std::string out(rng.below(most) + 1, '\0');
  for (char& one : out) one = static_cast<char>(rng.below(256));
  return out;
}

void change(std::string& bytes, Rng& rng) {
  if (bytes.empty()) bytes = random_bytes(rng, 8);
  const std::size_t at = rng.below(bytes.size());
  switch (rng.below(6)) {
    case 0:
      bytes[at] = static_cast<char>(rng.below(256));
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.insert(at, random_bytes(rng, 16));
      break;
    case 4:
      bytes.erase(at, rng.below(16) + 1);
      break;
    default:
      bytes.insert(at, bytes.substr(rng.below(bytes.size())));
  }
}

void run_changed(const Target& target, std::uint64_t each) {
  std::uint64_t number = 0;
  for (const std::string& seed : target.seeds()) {
    target.run(seed);
    Rng rng(++number);
    for (std::uint64_t i = 0; i < each; ++i) {
      std::string bytes = seed;
      for (std::uint64_t changes = rng.below(4) + 1; changes > 0; --changes) change(bytes, rng);
      target.run(bytes);
    }
  }
  std::cout << target.name << ": " << number << " seeds, " << number * each << " changed ones" << std::endl;
}

void run_file(const Target& target, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::stringstream bytes;
  bytes << in.rdbuf();
  target.run(bytes.str());
}

void write_seeds(const std::filesystem::path& folder) {
  for (const Target& target : targets()) {
    std::filesystem::create_directories(folder / target.name);
    std::size_t number = 0;
    for (const std::string& seed : target.seeds())
      std::ofstream(folder / target.name / ("seed-" + std::to_string(++number)), std::ios::binary) << seed;
  }
}

int list() {
  for (const Target& target : targets()) std::cout << target.name << "\t" << target.reads << "\n";
  return 0;
}

int usage(const std::string& what) {
  std::cerr << "swarm_fuzz: " << what
            << "\nusage: swarm_fuzz [--list | --seeds DIR] [--each COUNT] [TARGET [FILE...]]\n";
  return 2;
}

int main(std::vector<std::string> words) {
  std::uint64_t each = kEach;
  if (words.size() == 1 && words[0] == "--list") return list();
  if (words.size() == 2 && words[0] == "--seeds") return write_seeds(words[1]), 0;
  if (words.size() >= 2 && words[0] == "--each") {
    const auto count = parse_whole<std::uint64_t>(words[1]);
    if (!count) return usage("--each wants a whole number, not " + words[1]);
    each = *count;
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty()) {
    for (const Target& target : targets()) run_changed(target, each);
    return 0;
  }
  const Target* target = target_named(words[0]);
  if (target == nullptr) return usage("there is no target " + words[0] + "; --list says which there are");
  if (words.size() == 1) run_changed(*target, each);
  for (std::size_t i = 1; i < words.size(); ++i) run_file(*target, words[i]);
  return 0;
}

}  // namespace
}  // namespace swarm::fuzz

int main(int count, char** words) {
  try {
    return swarm::fuzz::main({words + 1, words + count});
  } catch (const std::exception& error) {
    std::cerr << "swarm_fuzz: " << error.what() << "\n";
    return 1;
  }
}
