// The key that unlocks managers while autolock is on (Docker: "SWMKEY-1-<base64>"): its text, and when the
// cluster object gets another one (swarmkit manager/controlapi/cluster.go).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/cluster.hpp"

namespace swarm::control {

inline constexpr std::size_t kUnlockKeyBytes = 32;

// Of 32 bytes; "" for none.
std::string unlock_key_text(std::string_view key);
// Docker's text for what is no key: "invalid key string".
Result<std::string> parse_unlock_key(std::string_view text);

// Makes the key what the cluster's spec wants: `fresh` (32 bytes of the Crypto port) where it needs a new
// one, or `rotate` asks for it.
void set_unlock_key(model::Cluster& cluster, const std::string& fresh, bool rotate);

}  // namespace swarm::control
