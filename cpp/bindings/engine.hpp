// Which engine this is: 16 hex digits of the code that a simulated run depends on
// (scripts/engine_fingerprint.py). The same digits: the same trace for the same journal.
#pragma once

namespace swarm::bindings {

const char* engine_fingerprint();

}  // namespace swarm::bindings
