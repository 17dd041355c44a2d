#include "tools/raft_datadriven/datadriven.hpp"

#include <charconv>
#include <cstdint>
#include <istream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace swarm::datadriven {
namespace {

constexpr const char* kBlank = " \t\r";

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// Cuts at every character of `separators` that is outside parentheses.
std::vector<std::string> split(std::string_view text, std::string_view separators, bool keep_empty) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth == 0 && separators.find(c) != std::string_view::npos) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (!keep_empty) std::erase_if(parts, [](const std::string& part) { return part.empty(); });
  return parts;
}

Argument parse_argument(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return {text, {}};
  Argument argument{text.substr(0, equals), {}};
  const std::string value = text.substr(equals + 1);
  if (value.size() < 2 || value.front() != '(' || value.back() != ')') {
    argument.values.push_back(value);
    return argument;
  }
  for (const auto& part : split(std::string_view(value).substr(1, value.size() - 2), ",", true))
    argument.values.push_back(trimmed(part));
  return argument;
}

class Parser {
 public:
  explicit Parser(std::istream& in) : in_(in) {}

  std::optional<Directive> next() {
    std::string line;
    do {
      if (!read(line)) return std::nullopt;
    } while (trimmed(line).empty() || line[0] == '#');
    Directive directive;
    directive.line = line_;
    std::string more;
    while (!line.empty() && line.back() == '\\' && read(more))
      line = line.substr(0, line.size() - 1) + ' ' + more;
    const auto parts = split(trimmed(line), kBlank, false);
    directive.command = parts.front();
    for (auto it = parts.begin() + 1; it != parts.end(); ++it)
      directive.arguments.push_back(parse_argument(*it));
    while (read(line) && line != "----") directive.input += line + "\n";
    read_expected(directive.expected);
    return directive;
  }

 private:
  bool read(std::string& line) {
    if (!std::getline(in_, line)) return false;
    ++line_;
    return true;
  }

  void read_expected(std::string& expected) {
    std::string line;
    if (!read(line)) return;
    if (line == "----") return read_expected_with_blanks(expected);
    while (!line.empty()) {
      expected += line + "\n";
      if (!read(line)) return;
    }
  }

  void read_expected_with_blanks(std::string& expected) {
    std::string line, after;
    while (read(line)) {
      if (line != "----") {
        expected += line + "\n";
        continue;
      }
      if (!read(after) || after == "----") return;
      expected += line + "\n" + after + "\n";
    }
  }

  std::istream& in_;
  int line_ = 0;
};

}  // namespace

std::optional<std::string> Directive::value(std::string_view key) const {
  for (const auto& argument : arguments)
    if (argument.key == key && !argument.values.empty()) return argument.values.front();
  return std::nullopt;
}

std::vector<std::string> Directive::values(std::string_view key) const {
  std::vector<std::string> all;
  for (const auto& argument : arguments)
    if (argument.key == key) all.insert(all.end(), argument.values.begin(), argument.values.end());
  return all;
}

std::vector<std::string> Directive::words() const {
  std::vector<std::string> bare;
  for (const auto& argument : arguments)
    if (argument.values.empty()) bare.push_back(argument.key);
  return bare;
}

std::vector<Directive> parse(std::istream& in) {
  std::vector<Directive> directives;
  Parser parser(in);
  while (auto directive = parser.next()) directives.push_back(std::move(*directive));
  return directives;
}

bool to_bool(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  throw std::runtime_error("neither true nor false: " + text);
}

std::uint64_t to_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::runtime_error("not a number: " + text);
  return number;
}

std::string without_log_lines(const std::string& text) {
  std::istringstream in(text);
  std::string line, kept;
  while (std::getline(in, line)) {
    const std::string word = trimmed(line).substr(0, trimmed(line).find(' '));
    if (word == "DEBUG" || word == "INFO" || word == "WARN" || word == "ERROR") continue;
    kept += line + "\n";
  }
  return kept.empty() ? "ok\n" : kept;
}

}  // namespace swarm::datadriven
