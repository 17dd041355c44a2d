#include "faults/plan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

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

constexpr std::int64_t kFormat = 1;

Error wrong(std::string what) { return plain_error(Code::invalid_argument, std::move(what)); }

Error at_number(std::size_t number, Error error) {
  error.message = "fault " + std::to_string(number) + " of the plan: " + error.message;
  return error;
}

Result<void> take_faults(Plan& plan, const Value& value) {
  if (value.items() == nullptr) return wrong("a plan's faults are a list");
  for (const Value& item : *value.items()) {
    auto fault = item.text() != nullptr ? parse(*item.text()) : from_json(item);
    if (!fault) return at_number(plan.faults.size(), fault.error());
    plan.faults.push_back(std::move(*fault));
  }
  return {};
}

Result<void> take(Plan& plan, const std::string& key, const Value& value) {
  if (key == "faults") return take_faults(plan, value);
  if (key == "plan") {
    if (value.whole() == kFormat) return {};
    return wrong("a plan of another format: this version reads {\"plan\": 1, ...}");
  }
  if (key == "since") {
    if (value.is_null()) return {};
    plan.since = value.text() == nullptr ? std::nullopt : parse_duration(*value.text());
    if (plan.since && plan.since->ns >= 0) return {};
    return wrong("a plan's since is a duration (\"0s\")");
  }
  return unknown("key of a plan", key, {"plan", "since", "faults"});
}

}  // namespace

Plan Plan::without(std::size_t index) const {
  Plan rest = *this;
  if (index < faults.size()) rest.faults.erase(rest.faults.begin() + static_cast<std::ptrdiff_t>(index));
  return rest;
}

Instant Plan::beginning(Instant now) const {
  if (!since || faults.empty()) return now;
  Duration first = Duration::max();
  for (const Fault& fault : faults) first = std::min(first, fault.at.value_or(Duration{}));
  const Instant told = Instant{} + *since;
  return told + first < now ? now - first : told;
}

// A list of faults alone is a plan, too.
Result<Plan> Plan::from_json(std::string_view text) {
  const auto value = docker::parse_json(text);
  if (!value) return value.error();
  if (const auto once = each_key_once(text); !once) return once.error();
  Plan plan;
  if (value->items() != nullptr) {
    if (const auto taken = take_faults(plan, *value); !taken) return taken.error();
    return plan;
  }
  if (value->members() == nullptr) return wrong("a plan is an object: {\"plan\": 1, \"faults\": []}");
  for (const auto& member : *value->members())
    if (const auto taken = take(plan, member.key, member.value); !taken) return taken.error();
  if (value->find("faults") == nullptr)
    return wrong("a plan wants its faults: {\"plan\": 1, \"faults\": []}");
  return plan;
}

Result<Plan> Plan::from_text(std::string_view text) {
  Plan plan;
  for (std::size_t at = 0, number = 1; at < text.size(); ++number) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("since ")) {
      if (plan.since) return wrong("since is said twice");
      plan.since = parse_duration(line.substr(6));
      if (!plan.since || plan.since->ns < 0) return wrong("since wants a duration: since 0s");
      continue;
    }
    auto fault = parse(line);
    if (!fault) {
      Error error = fault.error();
      error.message = "line " + std::to_string(number) + ": " + error.message;
      return error;
    }
    plan.faults.push_back(std::move(*fault));
  }
  return plan;
}

std::string Plan::to_json() const {
  Json json;
  json.object([&] {
    json.field("plan", kFormat);
    if (since) json.field("since", to_string(*since));
    json.array("faults", [&] {
      for (const Fault& fault : faults) write(json, fault);
    });
  });
  return json.take();
}

void write(Json& json, const Skipped& skipped) {
  json.object([&] {
    json.field("Id", skipped.number);
    json.key("At").raw(decimal(skipped.at.ns, 9));
    json.key("Fault");
    write(json, skipped.fault);
    json.field("Why", sentence(skipped.why));
  });
}

std::string Plan::to_text() const {
  std::string text = since ? "since " + to_string(*since) + "\n" : "";
  for (const Fault& fault : faults) text += faults::to_text(fault) + "\n";
  return text;
}

}  // namespace swarm::faults
