// What becomes of each field of a service's spec, in one table: a runner applies it (done), or it is kept and
// the user is warned that no runner applies it, or it is refused. A field that the table does not name is
// ignored, as Docker ignores a field that it does not know. The rules themselves are elsewhere: control
// refuses, the runners apply.
//
// Invariant (docker/kept_fields_test.cpp walks the descriptions): every field that `service inspect` can show
// is in exactly one row; every row is of a field that the API reads, and copies that field alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/service_spec.hpp"

namespace swarm::model {

enum class FieldFate : std::uint8_t { done, kept, refused };

struct FieldRule {
  std::string_view path;  // in the API's JSON; covers all below it
  FieldFate fate;
  std::string_view words;  // kept: as the warning names it; refused: why
  // Kept: copies what the field asks for, and nothing when it asks for nothing (null, false, empty, the
  // default).
  void (*copy)(const ServiceSpec& from, ServiceSpec& to);
};

std::span<const FieldRule> field_rules();

// Returns the words of the kept fields for which `spec` asks for something else than `before` did (null: a
// new service).
std::vector<std::string> newly_kept(const ServiceSpec& spec, const ServiceSpec* before);

}  // namespace swarm::model
