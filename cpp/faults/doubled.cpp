// The text is JSON already: only braces, strings and colons matter.
#include "faults/doubled.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "docker/json.hpp"

namespace swarm::faults {
namespace {

// The string that begins at the quotation mark `at`, with both of its marks.
std::string_view string_at(std::string_view json, std::size_t at) {
  std::size_t end = at + 1;
  while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
  return json.substr(at, end + 1 - at);
}

bool is_key(std::string_view json, std::size_t after) {
  const std::size_t next = json.find_first_not_of(" \t\r\n", after);
  return next != std::string_view::npos && json[next] == ':';
}

// Without its marks and escapes.
std::string plain(std::string_view quoted) {
  const auto value = docker::parse_json(quoted);
  return value && value->text() != nullptr ? *value->text() : std::string(quoted);
}

}  // namespace

Result<void> each_key_once(std::string_view json) {
  std::vector<std::set<std::string>> open;  // the keys of each object that is not closed
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '{') open.emplace_back();
    if (json[at] == '}' && !open.empty()) open.pop_back();
    if (json[at] != '"') continue;
    const std::string_view quoted = string_at(json, at);
    at += quoted.size() - 1;
    if (open.empty() || !is_key(json, at + 1)) continue;
    const std::string key = plain(quoted);
    if (!open.back().insert(key).second)
      return Error{Code::invalid_argument, "the key \"" + key + "\" is there twice", "Say it once."};
  }
  return {};
}

}  // namespace swarm::faults
