// The faults of a simulated swarm that is served: the same requests that a real daemon takes
// (real/faults.hpp), done to the whole swarm; and plans.
//
//   GET, POST /swarmpy/v1/faults    DELETE /swarmpy/v1/faults/1    POST /swarmpy/v1/faults/heal
//   GET /swarmpy/v1/faults/skipped  [{"Id": 3, "At": 1.5, "Fault": {...}, "Why": "..."}, ...]: could not
//   begin GET /swarmpy/v1/faults/history  the plan that tells what happened POST /swarmpy/v1/faults/plan runs
//   a plan; {"Ids": [1, 2]}
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bindings/world_host.hpp"
#include "ports/http.hpp"

namespace swarm::bindings {

struct FaultsAnswer {
  std::uint32_t status = 200;
  std::string body;  // JSON
};
std::string skipped_json(const sim::World& world);  // of World::skipped_faults
// Nothing: the request is about something else.
std::optional<FaultsAnswer> answer_about_faults(WorldHost& host, const http::Request& request);

}  // namespace swarm::bindings
