// Inside docker: the fields whose JSON is not that of their type. A description names the way
// (`as<model::Base64Way>("Profile")`); this file says what it means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "model/describe/service_spec.hpp"

namespace swarm::docker {

template <class Way>
struct OddField;

// NOLINTBEGIN(bugprone-macro-parentheses): a type takes no parentheses
// Kept: odd_fields.cpp defines both for each way below.
#define SWARM_ODD_FIELD(Way, T)                                           \
  template <>                                                             \
  struct OddField<model::Way> {                                           \
    static void write(Json& json, std::string_view name, const T& value); \
    static void read(const Fields& from, std::string_view name, T& to);   \
  };
// NOLINTEND(bugprone-macro-parentheses)

SWARM_ODD_FIELD(Base64Way, std::string)
SWARM_ODD_FIELD(GenericResourcesWay, std::vector<model::GenericResource>)
SWARM_ODD_FIELD(IsolationWay, std::string)
SWARM_ODD_FIELD(ModeWay, model::ServiceMode)
SWARM_ODD_FIELD(MountTypeWay, std::string)
SWARM_ODD_FIELD(PresenceWay, bool)
SWARM_ODD_FIELD(RuntimeWay, std::string)
SWARM_ODD_FIELD(SpreadWay, std::vector<std::string>)

#undef SWARM_ODD_FIELD

}  // namespace swarm::docker
