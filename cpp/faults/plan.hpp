// Plan: a list of faults. Written by hand, loaded, drawn from a seed, or what has happened: all the same
// thing, to be run again, with or without one of them.
//
// `at` of a fault counts from when the plan is run; or from `since`, an instant of the swarm's own life, as
// in plans that tell what has happened (once that is past, the first fault begins at once and the others keep
// their distance). JSON: {"plan": 1, "since": "0s", "faults": [...]}. Text: a fault a line; "since 0s"; #
// begins a comment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/fault.hpp"

namespace swarm::faults {

struct Plan {
  std::vector<Fault> faults;
  std::optional<Duration> since;
  bool operator==(const Plan&) const = default;

  Plan without(std::size_t index) const;  // as it is when there is no such fault
  static Result<Plan> from_json(std::string_view text);
  static Result<Plan> from_text(std::string_view text);
  std::string to_json() const;
  std::string to_text() const;
  // Where `at` 0 lies, when it is run at `now`.
  Instant beginning(Instant now) const;
};

// A fault of a plan, or one that was held back, that could not begin when it was time.
struct Skipped {
  std::uint64_t number = 0;  // of the fault, in the life of its swarm
  Fault fault;               // as it was planned
  Instant at;
  Error why;
};
// {"Id": 3, "At": 1.5, "Fault": {...}, "Why": "..."}; At in seconds.
void write(docker::Json& json, const Skipped& skipped);

}  // namespace swarm::faults
