#include "model/constraint.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "model/annotations.hpp"
#include "model/node.hpp"

namespace swarm::model {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// [a-z_][a-z0-9\-_.]+
bool is_key(std::string_view text) {
  if (text.size() < 2 || !(is_letter(text[0]) || text[0] == '_')) return false;
  return std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
}

// [a-z0-9:\-_\s\.\*\(\)\?\+\[\]\\\^\$\|\/]+
bool is_value(std::string_view text) {
  constexpr std::string_view kOthers = ":-_.*()?+[]\\^$|/";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos ||
           kBlanks.find(c) != std::string_view::npos;
  });
}

Result<Constraint> parse_one(std::string_view text) {
  auto at = text.find("==");
  const bool is_not_equal = at == std::string_view::npos;
  if (is_not_equal) at = text.find("!=");
  if (at == std::string_view::npos)
    return rpc_error(Code::unknown, "constraint expected one operator from ==, !=");
  const std::string key(trim(text.substr(0, at)));
  const std::string value(trim(text.substr(at + 2)));
  if (!is_key(key)) return rpc_error(Code::unknown, "key '" + key + "' is invalid");
  if (!is_value(value)) return rpc_error(Code::unknown, "value '" + value + "' is invalid");
  return Constraint{key, is_not_equal, value};
}

// What follows `prefix`, whose letters may be of either case.
std::optional<std::string> after_prefix(const std::string& key, std::string_view prefix) {
  if (key.size() <= prefix.size()) return std::nullopt;
  if (!equal_without_case(std::string_view(key).substr(0, prefix.size()), prefix)) return std::nullopt;
  return key.substr(prefix.size());
}

std::string label(const Labels& labels, const std::string& key) {
  const auto it = labels.find(key);
  return it == labels.end() ? std::string() : it->second;
}

// The fact that the key names; nothing when no such key is known.
std::optional<std::string> fact(const std::string& key, const Node& node) {
  if (equal_without_case(key, "node.id")) return node.id.str();
  if (equal_without_case(key, "node.hostname")) return node.description.hostname;
  if (equal_without_case(key, "node.role")) return std::string(to_string(node.role));
  if (equal_without_case(key, "node.platform.os")) return node.description.platform.os;
  if (equal_without_case(key, "node.platform.arch")) return node.description.platform.architecture;
  if (const auto name = after_prefix(key, "node.labels.")) return label(node.spec.annotations.labels, *name);
  if (const auto name = after_prefix(key, "engine.labels."))
    return label(node.description.engine_labels, *name);
  return std::nullopt;
}

bool same_prefix(const Address& a, const Address& b, std::size_t bits) {
  for (std::size_t i = 0; i < bits; ++i) {
    const int difference = a.ip[i / 8] ^ b.ip[i / 8];
    if ((difference >> (7 - i % 8)) & 1) return false;
  }
  return true;
}

// Is the node's address the wanted one, or within the wanted block? Nothing when `wanted` is neither.
std::optional<bool> within(const std::string& wanted, const std::string& addr) {
  const auto node = Address::parse(addr);
  const auto slash = wanted.find('/');
  const auto network = Address::parse(wanted.substr(0, slash));
  if (!network || network->port != 0) return std::nullopt;
  std::size_t bits = network->is_v4() ? 32 : 128;
  if (slash != std::string::npos) {
    const auto length = parse_whole<std::size_t>(std::string_view(wanted).substr(slash + 1));
    if (!length || *length > bits) return std::nullopt;
    bits = *length;
  }
  if (!node || node->is_v4() != network->is_v4()) return false;
  return same_prefix(*node, *network, bits + (network->is_v4() ? 96 : 0));
}

}  // namespace

Result<std::vector<Constraint>> parse_constraints(const std::vector<std::string>& texts) {
  std::vector<Constraint> out;
  for (const auto& text : texts) {
    auto one = parse_one(text);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

bool matches(const Constraint& constraint, const Node& node) {
  if (equal_without_case(constraint.key, "node.ip")) {
    const auto inside = within(constraint.value, node.status.addr);
    return inside && *inside != constraint.is_not_equal;
  }
  const auto value = fact(constraint.key, node);
  return value && equal_without_case(*value, constraint.value) != constraint.is_not_equal;
}

bool matches(const std::vector<Constraint>& constraints, const Node& node) {
  return std::all_of(constraints.begin(), constraints.end(),
                     [&](const Constraint& one) { return matches(one, node); });
}

}  // namespace swarm::model
