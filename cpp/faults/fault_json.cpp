// The JSON form. Spans are Go's text or a number of seconds; ratios and factors are numbers or their text.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "faults/doubled.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"

namespace swarm::faults {
namespace {

using docker::Json;
using docker::Value;

// Floats come from JSON only, and become whole numbers here: nothing decides by them.
std::optional<std::int64_t> scaled(const Value& value, int places) {
  if (const std::string* text = value.text()) return parse_decimal(*text, places);
  std::int64_t unit = 1;
  for (int i = 0; i < places; ++i) unit *= 10;
  if (const auto whole = value.whole()) {
    const __int128 number = *whole * unit;
    if (number != static_cast<__int128>(static_cast<std::int64_t>(number))) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  const double* real = std::get_if<double>(&value.data);
  if (real == nullptr || !(std::fabs(*real) * static_cast<double>(unit) < 9e18)) return std::nullopt;
  return std::llround(*real * static_cast<double>(unit));
}

std::optional<Groups> groups_in(const Value& value) {
  if (value.items() == nullptr) return std::nullopt;
  Groups groups;
  for (const Value& item : *value.items()) {
    auto names = read_names(item);
    if (!names) return std::nullopt;
    groups.push_back(std::move(*names));
  }
  return groups;
}

std::optional<Errnos> errnos_in(const Value& value) {
  if (value.members() == nullptr) return std::nullopt;
  Errnos errors;
  for (const auto& member : *value.members()) {
    if (member.value.text() == nullptr) return std::nullopt;
    errors[member.key] = *member.value.text();
  }
  return errors;
}

template <class T>
std::optional<Argument> argument(std::optional<T> value) {
  return value ? std::optional<Argument>(std::move(*value)) : std::nullopt;
}

std::optional<Argument> argument_in(Type type, const Value& value) {
  switch (type) {
    case Type::flag: {
      const bool* flag = std::get_if<bool>(&value.data);
      return flag == nullptr ? std::nullopt : std::optional<Argument>(*flag);
    }
    case Type::count:
      return value.text() != nullptr ? std::nullopt : argument(scaled(value, 0));
    case Type::span:
      return argument(read_span(value));
    case Type::ratio:
      if (const auto number = scaled(value, 6)) return Ratio{*number};
      return std::nullopt;
    case Type::factor:
      if (const auto number = scaled(value, 9)) return Factor{*number};
      return std::nullopt;
    case Type::name:
      return value.text() == nullptr ? std::nullopt : std::optional<Argument>(*value.text());
    case Type::names:
      return argument(read_names(value));
    case Type::groups:
      return argument(groups_in(value));
    case Type::errnos:
      return argument(errnos_in(value));
  }
  return std::nullopt;
}

const char* wanted(Type type) {
  constexpr const char* kWanted[] = {"true or false",
                                     "a whole number",
                                     "a duration (\"80ms\", or a number of seconds)",
                                     "a number from 0 to 1",
                                     "a number",
                                     "a name",
                                     "a list of names",
                                     "a list of lists of names",
                                     "an object ({\"write\": \"EIO\"})"};
  return kWanted[static_cast<std::size_t>(type)];
}

Error not_wanted(Kind kind, std::string_view key, Type type) {
  return plain_error(Code::invalid_argument,
                     std::string(word(kind)) + ": " + std::string(key) + " wants " + wanted(type));
}

Result<void> take(Fault& fault, const std::string& key, const Value& value) {
  if (value.is_null() || key == "kind") return {};
  if (key == "at" || key == "for") {
    const auto span = read_span(value);
    if (!span) return not_wanted(fault.kind, key, Type::span);
    (key == "at" ? fault.at : fault.lasts) = span;
    return {};
  }
  const Parameter* parameter = find_parameter(fault.kind, key);
  if (parameter == nullptr) {
    std::vector<std::string> known;
    for (const auto& one : parameters(fault.kind)) known.emplace_back(one.key);
    known.insert(known.end(), {"at", "for"});
    return unknown("argument of " + std::string(word(fault.kind)), key, known);
  }
  auto read = argument_in(parameter->type, value);
  if (!read) return not_wanted(fault.kind, key, parameter->type);
  fault.set(key, std::move(*read));
  return {};
}

void write_argument(Json& json, std::string_view key, const Argument& value) {
  json.key(key);
  std::visit(Overloaded{
                 [&](bool flag) { json.value(flag); },
                 [&](std::int64_t count) { json.value(count); },
                 [&](Duration span) { json.value(to_string(span)); },
                 [&](const Ratio& ratio) { json.raw(decimal(ratio.millionths, 6)); },
                 [&](const Factor& factor) { json.raw(decimal(factor.billionths, 9)); },
                 [&](const std::string& text) { json.value(text); },
                 [&](const Names& names) { json.value(names); },
                 [&](const Groups& groups) {
                   json.array([&] {
                     for (const Names& group : groups) json.value(group);
                   });
                 },
                 [&](const Errnos& errors) { json.value(errors); },
             },
             value);
}

}  // namespace

std::optional<Duration> read_span(const Value& value) {
  if (const std::string* text = value.text()) return parse_duration(*text);
  const auto ns = scaled(value, 9);
  return ns ? std::optional(Duration{*ns}) : std::nullopt;
}

// One name stands for a list of one.
std::optional<Names> read_names(const Value& value) {
  if (const std::string* one = value.text()) return Names{*one};
  if (value.items() == nullptr) return std::nullopt;
  Names names;
  for (const Value& item : *value.items()) {
    if (item.text() == nullptr) return std::nullopt;
    names.push_back(*item.text());
  }
  return names;
}

Result<Fault> from_json(const Value& value) {
  if (value.members() == nullptr)
    return plain_error(Code::invalid_argument,
                       "a fault is an object: {\"kind\": \"kill\", \"node\": \"m1\"}");
  const Value* kind = nullptr;
  for (const auto& member : *value.members())
    if (member.key == "kind") kind = &member.value;
  if (kind == nullptr || kind->text() == nullptr) {
    Error error = plain_error(Code::invalid_argument, "a fault wants its kind");
    error.hint = did_you_mean("", kind_words());
    return error;
  }
  const auto known = kind_of(*kind->text());
  if (!known) return unknown("fault", *kind->text(), kind_words());
  Fault fault;
  fault.kind = *known;
  for (const auto& member : *value.members())
    if (const auto taken = take(fault, member.key, member.value); !taken) return taken.error();
  if (const auto fits = check(fault); !fits) return fits.error();
  return fault;
}

Result<Fault> from_json(std::string_view text) {
  const auto value = docker::parse_json(text);
  if (!value) return value.error();
  if (const auto once = each_key_once(text); !once) return once.error();
  return from_json(*value);
}

void write(Json& json, const Fault& fault) {
  json.object([&] {
    json.field("kind", std::string(word(fault.kind)));
    for (const auto& parameter : parameters(fault.kind))
      if (const auto it = fault.arguments.find(parameter.key); it != fault.arguments.end())
        write_argument(json, it->first, it->second);
    if (fault.at) json.field("at", to_string(*fault.at));
    if (fault.lasts) json.field("for", to_string(*fault.lasts));
  });
}

std::string to_json(const Fault& fault) {
  Json json;
  write(json, fault);
  return json.take();
}

}  // namespace swarm::faults
