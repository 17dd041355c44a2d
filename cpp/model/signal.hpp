// Signals by Docker's words (moby/sys/signal): "SIGTERM", "term", "RTMIN+3", "15". Linux' numbers,
// everywhere.
#pragma once

#include <optional>
#include <string_view>

namespace swarm::model {

inline constexpr int kKillSignal = 9;

// 1..64; nothing for a word or a number that is no signal.
std::optional<int> parse_signal(std::string_view word);

}  // namespace swarm::model
