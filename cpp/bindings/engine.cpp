#include "bindings/engine.hpp"

#include "engine_fingerprint.h"  // the build writes it

namespace swarm::bindings {

const char* engine_fingerprint() { return SWARM_ENGINE_FINGERPRINT; }

}  // namespace swarm::bindings
