#include "tools/raft_datadriven/datadriven.hpp"

#include <sstream>

namespace swarm::datadriven {
namespace {

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::vector<std::string> split_values(const std::string& list) {
  std::vector<std::string> values;
  int depth = 0;
  std::string value;
  for (const char c : list) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      values.push_back(trim(value));
      value.clear();
    } else {
      value += c;
    }
  }
  if (!values.empty() || !trim(value).empty()) values.push_back(trim(value));
  return values;
}

// Reads one argument at `at`: key, key=value or key=(a, b).
Argument read_argument(const std::string& line, std::size_t& at) {
  Argument argument;
  while (at < line.size() && line[at] != ' ' && line[at] != '\t' && line[at] != '=') argument.key += line[at++];
  if (at >= line.size() || line[at] != '=') return argument;
  ++at;
  if (at < line.size() && line[at] == '(') {
    int depth = 0;
    const std::size_t begin = at + 1;
    for (; at < line.size(); ++at) {
      if (line[at] == '(') ++depth;
      if (line[at] == ')' && --depth == 0) break;
    }
    argument.values = split_values(line.substr(begin, at - begin));
    if (at < line.size()) ++at;
    return argument;
  }
  std::string value;
  while (at < line.size() && line[at] != ' ' && line[at] != '\t') value += line[at++];
  argument.values.push_back(value);
  return argument;
}

void read_command(const std::string& line, Directive& directive) {
  std::size_t at = 0;
  while (at < line.size()) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    Argument argument = read_argument(line, at);
    if (directive.command.empty()) {
      directive.command = argument.key;
    } else {
      directive.arguments.push_back(std::move(argument));
    }
  }
}

class Reader {
 public:
  explicit Reader(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines_.push_back(line);
  }
  bool done() const { return at_ >= lines_.size(); }
  std::string next() { return lines_[at_++]; }
  const std::string& peek() const { return lines_[at_]; }
  int line() const { return static_cast<int>(at_); }

 private:
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

bool read_expected(Reader& in, Directive& directive) {
  const bool doubled = !in.done() && in.peek() == "----";
  if (doubled) in.next();
  while (!in.done()) {
    const std::string line = in.next();
    if (!doubled && line.empty()) return true;
    if (doubled && line == "----" && !in.done() && in.peek() == "----") {
      in.next();
      return true;
    }
    directive.expected += line + "\n";
  }
  return !doubled;
}

}  // namespace

const Argument* Directive::find(const std::string& key) const {
  for (const Argument& argument : arguments)
    if (argument.key == key) return &argument;
  return nullptr;
}

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

Parsed parse(const std::string& text) {
  Parsed parsed;
  Reader in(text);
  while (!in.done()) {
    std::string line = trim(in.next());
    if (line.empty() || line[0] == '#') continue;
    Directive directive;
    directive.line = in.line();
    while (line.ends_with('\\') && !in.done()) {
      line.pop_back();
      line = trim(line) + " " + trim(in.next());
    }
    read_command(line, directive);
    bool separator = false;
    while (!in.done() && !separator) {
      const std::string input = in.next();
      separator = input == "----";
      if (!separator) directive.input += input + "\n";
    }
    if (!separator || !read_expected(in, directive)) {
      parsed.error = "line " + std::to_string(directive.line) + ": no ---- ends this directive";
      return parsed;
    }
    parsed.directives.push_back(std::move(directive));
  }
  return parsed;
}

}  // namespace swarm::datadriven
