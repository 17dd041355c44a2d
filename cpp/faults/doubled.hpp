// Keys that are there twice in one object of a JSON text. A parser keeps one of them, in silence; the
// author of both meant something else.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace swarm::faults {

// Of a text that is JSON (docker::parse_json has taken it). The error names the key.
Result<void> each_key_once(std::string_view json);

}  // namespace swarm::faults
