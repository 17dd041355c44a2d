// Answer: a whole reply of the API, made at once.
#pragma once

#include <string>

#include "ports/http.hpp"

namespace swarm::docker {

struct Answer {
  http::ResponseHead head;
  std::string body;
};

}  // namespace swarm::docker
