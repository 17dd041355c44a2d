// How a chronicle shows a message: a short word, which of a few families it belongs to, and the numbers that
// readers ask for first.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ports/ports.hpp"

namespace swarm::sim {

// Families: "election", "log", "heartbeat", "dispatcher", "membership", "api", "output".
struct MessageKind {
  const char* word;
  const char* family;
};
const std::vector<MessageKind>& message_kinds();

struct MessageFacts {
  std::uint8_t kind = 0;  // in message_kinds()
  bool refused = false;
  std::uint32_t count = 0;  // entries, tasks, lines
  std::uint64_t bytes = 0;  // of what it carries, about
  std::uint64_t term = 0, index = 0, commit = 0;
  std::string text;
};
MessageFacts describe(const ports::Frame& frame);

}  // namespace swarm::sim
