// Raft's values in words: for traces, for people, and byte for byte as etcd's test data has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "raft/message.hpp"

namespace swarm::raft {

struct Ready;

const char* to_string(MessageType type);  // "MsgApp"
const char* to_string(EntryType type);    // "EntryNormal"

std::string quote(std::string_view bytes);  // Go's %q
std::string describe(const Entry& entry);
std::string describe(const std::vector<Entry>& entries);  // a line each
std::string describe(const ConfState& state);
std::string describe(const Snapshot& snapshot);
std::string describe(const HardState& state);
std::string describe(const Message& message, const std::string& indent = "");
std::string describe(const Ready& ready);
// "v2 l3 r4 u5": voters, learners, removals, updates.
std::string describe(const std::vector<ConfChangeSingle>& changes);

}  // namespace swarm::raft
