// The grammar of data-driven tests: directives, their input, the output that is expected.
//
//     # a comment
//     cmd arg key=value key=(a,b)      a trailing \ joins lines
//     input lines
//     ----
//     expected output, up to a blank line; or, after a doubled ----, up to another doubled ----
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace swarm::datadriven {

struct Argument {
  std::string key;
  std::vector<std::string> values;  // "key" alone has none; "key=" has one empty value
};

struct Directive {
  int line = 0;
  std::string command;
  std::vector<Argument> arguments;
  std::string input;
  std::string expected;

  const Argument* find(const std::string& key) const;
};

struct Parsed {
  std::vector<Directive> directives;
  std::string error;  // with the line's number; empty: all is well
};
Parsed parse(const std::string& text);

// One environment per file: takes a directive, gives its output.
using Handler = std::function<std::string(const Directive&)>;
std::vector<std::string> split_words(const std::string& text);

Handler make_interaction();
Handler make_quorum();
Handler make_confchange();

}  // namespace swarm::datadriven
