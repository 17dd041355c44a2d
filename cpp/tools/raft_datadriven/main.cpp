// raft_datadriven [--kind interaction|confchange|quorum] FILE...
//
// Runs etcd-io/raft's data-driven test files against this core. Prints PASS FILE, or FAIL FILE:LINE with what
// was expected and what came, then "N/M files pass". Exit 0 only if all do. Without --kind the first
// directive tells.
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

std::string kind_of(const Directive& directive) {
  const std::string& command = directive.command;
  if (command == "committed" || command == "vote") return "quorum";
  if (command == "simple" || command == "enter-joint" || command == "leave-joint") return "confchange";
  return "interaction";
}

std::unique_ptr<Environment> make(const std::string& kind) {
  if (kind == "quorum") return make_quorum();
  if (kind == "confchange") return make_confchange();
  return make_interaction();
}

std::string run(Environment& environment, const Directive& directive) {
  std::string actual;
  try {
    actual = environment.run(directive);
  } catch (const std::exception& bad) {
    actual = std::string("fatal: ") + bad.what();
  }
  if (!actual.empty() && actual.back() != '\n') actual += '\n';
  return actual;
}

bool run_file(const std::string& path, std::string kind) {
  std::ifstream in(path);
  const auto directives = parse(in);
  if (directives.empty()) {
    std::cout << "FAIL " << path << ":0\nno directive: not there, not readable, or empty\n";
    return false;
  }
  if (kind.empty()) kind = kind_of(directives.front());
  const auto environment = make(kind);
  for (const Directive& directive : directives) {
    const std::string actual = without_log_lines(run(*environment, directive));
    const std::string expected = without_log_lines(directive.expected);
    if (actual == expected) continue;
    std::cout << "FAIL " << path << ":" << directive.line << "\nexpected:\n"
              << expected << "actual:\n"
              << actual << "\n";
    return false;
  }
  std::cout << "PASS " << path << "\n";
  return true;
}

int usage() {
  std::cerr << "usage: raft_datadriven [--kind interaction|confchange|quorum] FILE...\n";
  return 2;
}

int main(std::vector<std::string> arguments) {
  std::string kind;
  for (std::size_t i = 0; i < arguments.size();) {
    std::string& argument = arguments[i];
    if (argument == "--kind") {
      if (i + 1 == arguments.size()) return usage();
      kind = arguments[i + 1];
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i),
                      arguments.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    } else if (argument.starts_with("--kind=")) {
      kind = argument.substr(7);
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  if (arguments.empty() || arguments.front().starts_with("-") ||
      (!kind.empty() && kind != "interaction" && kind != "confchange" && kind != "quorum"))
    return usage();
  // A broken belief fails its file, not the whole run.
  set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  std::size_t passed = 0;
  for (const std::string& path : arguments) passed += run_file(path, kind) ? 1 : 0;
  std::cout << passed << "/" << arguments.size() << " files pass\n";
  return passed == arguments.size() ? 0 : 1;
}

}  // namespace
}  // namespace swarm::datadriven

int main(int argc, char** argv) { return swarm::datadriven::main({argv + 1, argv + argc}); }
