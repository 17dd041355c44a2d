// The table of kinds and arguments, and what must hold among them.
#include "faults/fault.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/nearest.hpp"

namespace swarm::faults {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kYear = 366LL * 24 * 3600 * 1'000'000'000;
constexpr std::int64_t kOne = 1'000'000'000;  // a factor of 1

constexpr Parameter kNode{"node", Type::name, Place::word, true};
constexpr Parameter kFrom{"from", Type::names, Place::link, true};
constexpr Parameter kTo{"to", Type::names, Place::link, true};
constexpr Parameter kBoth{"both", Type::flag, Place::link, false, 0, 0, true};

constexpr Parameter span_of(std::string_view key, std::int64_t least = 0) {
  return {key, Type::span, Place::keyed, false, least, kYear};
}
constexpr Parameter ratio_of(std::string_view key) {
  return {key, Type::ratio, Place::keyed, false, 0, 1'000'000};
}
constexpr Parameter count_of(std::string_view key, std::int64_t least, std::int64_t most) {
  return {key, Type::count, Place::keyed, false, least, most};
}

constexpr Parameter kPartition[] = {
    {"groups", Type::groups, Place::sides}, {"of", Type::name, Place::sides}, {"one_way", Type::flag}};
constexpr Parameter kLink[] = {kFrom, kTo, kBoth};
constexpr Parameter kNet[] = {kFrom,
                              kTo,
                              kBoth,
                              span_of("latency"),
                              span_of("jitter"),
                              ratio_of("loss"),
                              ratio_of("duplicate"),
                              ratio_of("reorder")};
constexpr Parameter kThrottle[] = {kNode,
                                   {"factor", Type::factor, Place::keyed, true, kOne, 1'000'000 * kOne}};
constexpr Parameter kDisk[] = {kNode,
                               span_of("fsync_delay"),
                               {"full", Type::flag},
                               {"errors", Type::errnos},
                               count_of("after", 1, kMost),
                               count_of("lost_tail", 1, kMost),
                               count_of("flip", 1, kMost),
                               {"torn", Type::flag},
                               {"old_copy", Type::flag},
                               {"altered", Type::flag}};
constexpr Parameter kClock[] = {kNode,
                                span_of("skew", -kYear),
                                {"drift", Type::factor, Place::keyed, false, kOne / 1000, 1000 * kOne},
                                span_of("jump", -kYear)};
constexpr Parameter kOneNode[] = {kNode};
constexpr Parameter kTask[] = {{"task", Type::name, Place::word, true}};
constexpr Parameter kPort[] = {kNode, {"port", Type::count, Place::word, true, 1, 65'535}};
constexpr Parameter kImage[] = {{"reference", Type::name, Place::word, true},
                                {"exists", Type::flag, Place::keyed, false, 0, 0, true},
                                count_of("exit_code", 0, 255),
                                span_of("after"),
                                {"ignores_term", Type::flag},
                                span_of("start")};

struct Row {
  std::string_view word;
  std::span<const Parameter> parameters;
};
constexpr std::array<Row, kKinds> kRows = {{{"partition", kPartition},
                                            {"cut", kLink},
                                            {"net", kNet},
                                            {"hold", kLink},
                                            {"throttle", kThrottle},
                                            {"disk", kDisk},
                                            {"clock", kClock},
                                            {"freeze", kOneNode},
                                            {"power_off", kOneNode},
                                            {"stop", kOneNode},
                                            {"kill", kOneNode},
                                            {"kill_task", kTask},
                                            {"port", kPort},
                                            {"image", kImage},
                                            {"transfer", {}}}};

Error wrong(const Fault& fault, std::string what) {
  return plain_error(Code::invalid_argument, std::string(word(fault.kind)) + ": " + std::move(what));
}

Result<void> check_bounds(const Fault& fault, const Parameter& parameter, std::int64_t value,
                          const std::function<std::string(std::int64_t)>& shown) {
  if (parameter.least == parameter.most || (value >= parameter.least && value <= parameter.most)) return {};
  const std::string most = parameter.most == kMost ? "" : " to " + shown(parameter.most);
  return wrong(fault, std::string(parameter.key) + " is " + shown(value) + "; it may be " +
                          shown(parameter.least) + (most.empty() ? " and more" : most));
}

Names names_in(const Argument& value) {
  Names all;
  if (const auto* text = std::get_if<std::string>(&value)) all.push_back(*text);
  if (const auto* names = std::get_if<Names>(&value)) all = *names;
  if (const auto* groups = std::get_if<Groups>(&value))
    for (const Names& group : *groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

// A name is never empty, and stands on one line.
Result<void> check_names(const Fault& fault, const Parameter& parameter, const Argument& value) {
  for (const auto& name : names_in(value)) {
    if (name.empty()) return wrong(fault, "a name in " + std::string(parameter.key) + " is empty");
    if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }))
      return wrong(fault, "a name in " + std::string(parameter.key) + " has a control character");
  }
  return {};
}

Result<void> check_argument(const Fault& fault, const Parameter& parameter, const Argument& value) {
  const auto bounds = [&](std::int64_t number, const auto& shown) {
    return check_bounds(fault, parameter, number, shown);
  };
  const auto names = [&](bool empty) -> Result<void> {
    if (empty) return wrong(fault, std::string(parameter.key) + " is empty");
    return check_names(fault, parameter, value);
  };
  return std::visit(
      Overloaded{
          [&](std::int64_t count) { return bounds(count, [](std::int64_t n) { return std::to_string(n); }); },
          [&](Duration span) {
            return bounds(span.ns, [](std::int64_t n) { return to_string(Duration{n}); });
          },
          [&](Ratio one) { return bounds(one.millionths, [](std::int64_t n) { return decimal(n, 6); }); },
          [&](Factor one) { return bounds(one.billionths, [](std::int64_t n) { return decimal(n, 9); }); },
          [&](const std::string& text) { return names(text.empty()); },
          [&](const Names& all) { return names(all.empty()); },
          [&](const Groups&) { return names(false); },  // check_partition counts them
          [](bool) { return Result<void>(); },
          [](const Errnos&) { return Result<void>(); },  // check_disk reads them
      },
      value);
}

// The alternative of Argument that holds a type's values.
constexpr std::size_t kHolds[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

Result<void> check_all_arguments(const Fault& fault) {
  for (const auto& [key, value] : fault.arguments) {
    const Parameter* parameter = find_parameter(fault.kind, key);
    if (parameter == nullptr) {
      std::vector<std::string> known;
      for (const auto& one : parameters(fault.kind)) known.emplace_back(one.key);
      return unknown("argument of " + std::string(word(fault.kind)), key, known);
    }
    if (value.index() != kHolds[static_cast<std::size_t>(parameter->type)])
      return wrong(fault, key + " has a value of another type");
    if (const auto fits = check_argument(fault, *parameter, value); !fits) return fits;
  }
  for (const auto& parameter : parameters(fault.kind))
    if (parameter.required && !fault.arguments.contains(parameter.key))
      return wrong(fault, "it wants " + std::string(parameter.key));
  return {};
}

Result<void> check_partition(const Fault& fault) {
  const auto* groups = fault.find<Groups>("groups");
  if ((groups == nullptr) != !fault.text("of").empty() || (groups != nullptr && groups->empty())) {
    return {plain_error(Code::invalid_argument,
                        "partition: it wants either groups ([[\"m1\"], [\"m2\", \"m3\"]]) or of (\"leader\", "
                        "\"minority\" or a node)")};
  }
  if (groups == nullptr) return {};
  std::set<std::string> placed;
  for (const Names& group : *groups) {
    if (group.empty()) return wrong(fault, "a group is empty");
    for (const auto& name : group) {
      if (name == "minority") return wrong(fault, "\"minority\" stands alone: of \"minority\"");
      if (!placed.insert(name).second) return wrong(fault, name + " is on two sides");
    }
  }
  if (fault.flag("one_way") && groups->size() > 2)
    return wrong(fault, "one_way is between two groups: what the first says does not reach the second");
  return {};
}

Result<void> check_link(const Fault& fault) {
  const Names from = fault.names("from"), to = fault.names("to");
  if (from.size() == 1 && from == to && from.front() != "*")
    return wrong(fault, from.front() + " is on both ends of the link");
  for (const Names* end : {&from, &to})
    if (end->size() > 1 && std::count(end->begin(), end->end(), "*") > 0)
      return wrong(fault, "\"*\" (all others) stands alone");
  if (fault.kind == Kind::net && fault.arguments.size() <= 2 + (fault.flag("both", true) ? 0u : 1u))
    return wrong(fault, "it wants at least one of latency, jitter, loss, duplicate, reorder");
  return {};
}

Result<void> check_disk(const Fault& fault) {
  if (fault.arguments.size() < 2)
    return wrong(fault,
                 "it wants at least one of fsync_delay, full, errors, lost_tail, flip, torn, old_copy, "
                 "altered");
  const auto* errors = fault.find<Errnos>("errors");
  if (fault.find<std::int64_t>("after") != nullptr && errors == nullptr)
    return wrong(fault, "after counts operations until the first of errors: it wants errors");
  if (errors == nullptr) return {};
  if (errors->empty()) return wrong(fault, "errors is empty");
  for (const auto& [operation, number] : *errors) {
    static const std::vector<std::string> kOperations{"write", "fsync", "read"}, kNumbers{"EIO", "ENOSPC"};
    if (std::count(kOperations.begin(), kOperations.end(), operation) == 0)
      return unknown("operation of a disk", operation, kOperations);
    if (std::count(kNumbers.begin(), kNumbers.end(), number) == 0)
      return unknown("error of a disk", number, kNumbers);
  }
  return {};
}

Result<void> check_time(const Fault& fault) {
  if (fault.at && fault.at->ns < 0) return wrong(fault, "at is " + to_string(*fault.at) + ", in the past");
  if (fault.at && fault.at->ns > kYear) return wrong(fault, "at is more than a year away");
  if (!fault.lasts) return {};
  if (fault.is_momentary()) return wrong(fault, "it happens at once: leave out for");
  if (fault.lasts->ns <= 0 || fault.lasts->ns > kYear)
    return wrong(fault, "for is " + to_string(*fault.lasts) + "; it may be more than 0s, up to a year");
  return {};
}

}  // namespace

std::string_view word(Kind kind) { return kRows[static_cast<std::size_t>(kind)].word; }

std::optional<Kind> kind_of(std::string_view text) {
  std::string wanted(text);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (std::size_t i = 0; i < kKinds; ++i)
    if (kRows[i].word == wanted) return static_cast<Kind>(i);
  return std::nullopt;
}

std::vector<std::string> kind_words() {
  std::vector<std::string> words;
  words.reserve(kKinds);
  for (const Row& row : kRows) words.emplace_back(row.word);
  return words;
}

std::span<const Parameter> parameters(Kind kind) { return kRows[static_cast<std::size_t>(kind)].parameters; }

const Parameter* find_parameter(Kind kind, std::string_view key) {
  for (const auto& parameter : parameters(kind))
    if (parameter.key == key) return &parameter;
  return nullptr;
}

bool Fault::flag(std::string_view key, bool otherwise) const {
  const bool* value = find<bool>(key);
  return value == nullptr ? otherwise : *value;
}
std::string Fault::text(std::string_view key) const {
  const auto* value = find<std::string>(key);
  return value == nullptr ? std::string() : *value;
}
Names Fault::names(std::string_view key) const {
  const auto* value = find<Names>(key);
  return value == nullptr ? Names() : *value;
}
std::int64_t Fault::number(std::string_view key, std::int64_t otherwise) const {
  const auto* value = find<std::int64_t>(key);
  return value == nullptr ? otherwise : *value;
}
std::optional<Duration> Fault::span(std::string_view key) const {
  const auto* value = find<Duration>(key);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

// What is as it would be anyway is not kept, and a group of one is `of`: one fault has one form.
Fault& Fault::set(std::string key, Argument value) {
  const Parameter* parameter = find_parameter(kind, key);
  const bool* flag = std::get_if<bool>(&value);
  const auto* groups = std::get_if<Groups>(&value);
  arguments.erase(key);
  if (flag != nullptr && parameter != nullptr && *flag == parameter->flag_default) return *this;
  if (groups != nullptr && groups->size() == 1 && groups->front().size() == 1) {
    std::string only = groups->front().front();
    key = "of";
    value = std::move(only);
  }
  arguments.insert_or_assign(std::move(key), std::move(value));
  return *this;
}

Result<void> check(const Fault& fault) {
  if (const auto fits = check_all_arguments(fault); !fits) return fits;
  if (const auto fits = check_time(fault); !fits) return fits;
  switch (fault.kind) {
    case Kind::partition:
      return check_partition(fault);
    case Kind::cut:
    case Kind::net:
    case Kind::hold:
      return check_link(fault);
    case Kind::disk:
      return check_disk(fault);
    case Kind::clock:
      if (fault.arguments.size() < 2) return wrong(fault, "it wants at least one of skew, drift, jump");
      return {};
    case Kind::throttle:
    case Kind::freeze:
    case Kind::power_off:
    case Kind::stop:
    case Kind::kill:
    case Kind::kill_task:
    case Kind::port:
    case Kind::image:
    case Kind::transfer:
    default:
      return {};
  }
}

std::optional<std::int64_t> parse_decimal(std::string_view text, int places) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (whole.empty() || (dot != std::string_view::npos && rest.empty())) return std::nullopt;
  __int128 value = 0;
  const auto add = [&](char c) { value = std::min<__int128>(value * 10 + (c - '0'), __int128{kMost} * 100); };
  const auto digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!digits(whole) || !digits(rest)) return std::nullopt;
  for (const char c : whole) add(c);
  for (int i = 0; i < places; ++i)
    add(i < static_cast<int>(rest.size()) ? rest[static_cast<std::size_t>(i)] : '0');
  // What is finer than the last place is not lost in silence.
  const std::string_view finer = rest.size() > static_cast<std::size_t>(places)
                                     ? rest.substr(static_cast<std::size_t>(places))
                                     : std::string_view();
  if (finer.find_first_not_of('0') != std::string_view::npos || value > kMost) return std::nullopt;
  return static_cast<std::int64_t>(negative ? -value : value);
}

std::string decimal(std::int64_t value, int places) {
  if (value < 0) return "-" + decimal(-value, places);
  std::string digits = std::to_string(value);
  const auto wanted = static_cast<std::size_t>(places);
  if (digits.size() <= wanted) digits.insert(0, wanted + 1 - digits.size(), '0');
  std::string whole = digits.substr(0, digits.size() - wanted), rest = digits.substr(digits.size() - wanted);
  while (!rest.empty() && rest.back() == '0') rest.pop_back();
  return rest.empty() ? whole : whole + "." + rest;
}

}  // namespace swarm::faults
