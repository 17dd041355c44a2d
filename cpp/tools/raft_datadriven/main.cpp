// raft_datadriven: runs data-driven test files (etcd-io/raft's grammar) against this project's Raft core.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

constexpr const char* kUsage =
    "usage: raft_datadriven [--kind interaction|confchange|quorum] FILE...\n"
    "Runs each FILE against the Raft core. Without --kind the kind is told from the file's directives.\n"
    "Prints PASS FILE or FAIL FILE:LINE with both texts, then N/M files pass; exit status 0 only if all do.\n";

// The core's log lines are not compared: drop them on both sides. Nothing left counts as "ok".
std::string comparable(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const auto words = split_words(line);
    const bool is_log = !words.empty() && (words[0] == "DEBUG" || words[0] == "INFO" || words[0] == "WARN" ||
                                           words[0] == "ERROR");
    if (!is_log) out += line + "\n";
  }
  return out.empty() ? "ok\n" : out;
}

std::string kind_of(const std::vector<Directive>& directives) {
  for (const Directive& directive : directives) {
    if (directive.command == "committed" || directive.command == "vote") return "quorum";
    if (directive.command == "simple" || directive.command == "enter-joint" || directive.command == "leave-joint")
      return "confchange";
  }
  return "interaction";
}

Handler handler_for(const std::string& kind) {
  if (kind == "quorum") return make_quorum();
  return kind == "confchange" ? make_confchange() : make_interaction();
}

void print_failure(const std::string& file, const Directive& directive, const std::string& expected,
                   const std::string& actual) {
  std::cout << "FAIL " << file << ":" << directive.line << "\n--- expected\n" << expected << "--- actual\n" << actual;
}

std::string answer(const Handler& handler, const Directive& directive) {
  try {
    return handler(directive);
  } catch (const std::exception& bad) {
    return "cannot run '" + directive.command + "': " + bad.what();
  }
}

bool run_file(const std::string& file, const std::string& text, std::string kind) {
  const Parsed parsed = parse(text);
  if (!parsed.error.empty()) {
    std::cout << "FAIL " << file << ": " << parsed.error << "\n";
    return false;
  }
  if (kind.empty()) kind = kind_of(parsed.directives);
  const Handler handler = handler_for(kind);
  for (const Directive& directive : parsed.directives) {
    std::string actual = answer(handler, directive);
    if (!actual.empty() && actual.back() != '\n') actual += '\n';
    const std::string want = comparable(directive.expected), got = comparable(actual);
    if (want == got) continue;
    print_failure(file, directive, want, got);
    return false;
  }
  std::cout << "PASS " << file << "\n";
  return true;
}

int usage_error(const std::string& sentence) {
  std::cerr << "raft_datadriven: " << sentence << "\n" << kUsage;
  return 2;
}

int run(const std::vector<std::string>& arguments) {
  std::string kind;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--help" || arguments[i] == "-h") {
      std::cout << kUsage;
      return 0;
    }
    if (arguments[i] == "--kind") {
      if (++i == arguments.size()) return usage_error("--kind needs a value");
      kind = arguments[i];
      if (kind != "interaction" && kind != "confchange" && kind != "quorum")
        return usage_error("unknown kind '" + kind + "'");
    } else {
      files.push_back(arguments[i]);
    }
  }
  if (files.empty()) return usage_error("no file given");
  std::size_t passed = 0;
  for (const std::string& file : files) {
    std::ifstream in(file);
    if (!in || std::filesystem::is_directory(file)) return usage_error("cannot read " + file);
    std::stringstream text;
    text << in.rdbuf();
    passed += run_file(file, text.str(), kind) ? 1 : 0;
  }
  std::cout << passed << "/" << files.size() << " files pass\n";
  return passed == files.size() ? 0 : 1;
}

}  // namespace
}  // namespace swarm::datadriven

int main(int argc, char** argv) { return swarm::datadriven::run({argv + 1, argv + argc}); }
