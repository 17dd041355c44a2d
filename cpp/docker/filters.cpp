#include "docker/filters.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "docker/json.hpp"
#include "docker/url.hpp"
#include "model/annotations.hpp"

namespace swarm::docker {
namespace {

Error bad_filter() { return plain_error(Code::invalid_argument, "invalid filter"); }

// The values of one key: the names of a set, or the items of a list.
std::optional<std::vector<std::string>> values_of(const Value& value) {
  std::vector<std::string> out;
  if (const auto* set = value.members()) {
    for (const auto& [name, on] : *set) {
      const bool* flag = std::get_if<bool>(&on.data);
      if (flag == nullptr) return std::nullopt;
      if (*flag) out.push_back(name);
    }
    return out;
  }
  if (value.items() == nullptr) return std::nullopt;
  for (const Value& item : *value.items()) {
    if (item.text() == nullptr) return std::nullopt;
    out.push_back(*item.text());
  }
  return out;
}

bool label_matches(const std::string& wanted, const model::Labels& labels) {
  const std::size_t equals = wanted.find('=');
  const auto found = labels.find(wanted.substr(0, equals));
  if (found == labels.end()) return false;
  if (equals == std::string::npos || equals + 1 == wanted.size()) return true;
  return found->second == wanted.substr(equals + 1);
}

bool part_matches(std::string_view wanted, std::string_view text) {
  const bool at_start = wanted.starts_with('^');
  if (at_start) wanted.remove_prefix(1);
  const bool at_end = wanted.ends_with('$');
  if (at_end) wanted.remove_suffix(1);
  if (at_start && at_end) return text == wanted;
  if (at_start) return text.starts_with(wanted);
  if (at_end) return text.ends_with(wanted);
  return text.find(wanted) != std::string_view::npos;
}

}  // namespace

Error invalid_filter(std::string_view key, std::string_view value) {
  return plain_error(Code::invalid_argument,
                     "invalid filter '" + std::string(key) + "=[" + std::string(value) + "]'");
}

Result<Filters> Filters::parse(const Target& target, std::initializer_list<std::string_view> accepted) {
  Filters out;
  const std::string text = target.text("filters");
  if (text.empty()) return out;
  const auto parsed = parse_json(text);
  if (!parsed || (parsed->members() == nullptr && !parsed->is_null())) return bad_filter();
  if (parsed->is_null()) return out;
  for (const auto& [key, value] : *parsed->members()) {
    if (accepted.size() != 0 && std::find(accepted.begin(), accepted.end(), key) == accepted.end())
      return plain_error(Code::invalid_argument, "invalid filter '" + key + "'");
    auto values = values_of(value);
    if (!values) return bad_filter();
    if (!values->empty()) out.values_[key] = std::move(*values);
  }
  return out;
}

const std::vector<std::string>& Filters::values(std::string_view key) const {
  static const std::vector<std::string> kNone;
  const auto it = values_.find(key);
  return it == values_.end() ? kNone : it->second;
}

bool Filters::any(std::string_view key, const std::function<bool(const std::string&)>& matches) const {
  const auto& wanted = values(key);
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), matches);
}

bool Filters::prefix(std::string_view key, std::string_view text) const {
  return any(key, [&](const std::string& wanted) { return text.starts_with(wanted); });
}

bool Filters::exact(std::string_view key, std::string_view text) const {
  return any(key, [&](const std::string& wanted) { return text == wanted; });
}

bool Filters::part(std::string_view key, std::string_view text) const {
  return any(key, [&](const std::string& wanted) { return part_matches(wanted, text); });
}

bool Filters::labels(std::string_view key, const model::Labels& labels) const {
  const auto& wanted = values(key);
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& one) { return label_matches(one, labels); });
}

Result<std::optional<bool>> Filters::truth(std::string_view key) const {
  if (!has(key)) return std::optional<bool>();
  const std::string& word = values(key).front();
  if (word == "1" || word == "true") return std::optional(true);
  if (word == "0" || word == "false") return std::optional(false);
  return invalid_filter(key, word);
}

}  // namespace swarm::docker
