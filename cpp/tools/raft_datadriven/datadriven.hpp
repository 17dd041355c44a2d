// The data-driven test files of etcd-io/raft: directives with the output that they must give.
//
//     cmd arg key=val key=(a,b)        a trailing \ joins lines; lines that are blank or start with # are
//     skipped input, any number of lines
//     ----
//     expected output, up to a blank line (doubled ---- above and below: up to those)
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swarm::datadriven {

struct Argument {
  std::string key;
  std::vector<std::string> values;  // none: a bare word
};

struct Directive {
  int line = 0;
  std::string command;
  std::vector<Argument> arguments;
  std::string input;
  std::string expected;

  std::optional<std::string> value(std::string_view key) const;
  std::vector<std::string> values(std::string_view key) const;
  std::vector<std::string> words() const;  // the bare ones
};

std::vector<Directive> parse(std::istream& in);

// "true" and "false"; anything else is an error of the file.
bool to_bool(const std::string& text);
std::uint64_t to_number(const std::string& text);

// Runs the directives of one file, in order, in one environment.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual std::string run(const Directive& directive) = 0;
};

std::unique_ptr<Environment> make_interaction();
std::unique_ptr<Environment> make_confchange();
std::unique_ptr<Environment> make_quorum();

// Without log lines (first word DEBUG, INFO, WARN or ERROR), which no implementation need share. Nothing
// left: "ok".
std::string without_log_lines(const std::string& text);

}  // namespace swarm::datadriven
