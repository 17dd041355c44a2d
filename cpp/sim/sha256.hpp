// SHA-256 (FIPS 180-4), for join tokens in the simulator: the core of the real world uses OpenSSL's.
#pragma once

#include <string>
#include <string_view>

namespace swarm::sim {

std::string sha256(std::string_view bytes);  // 32 raw bytes

}  // namespace swarm::sim
