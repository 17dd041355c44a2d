// "v1 l2 r3 u4": add a voter, add a learner, remove, update.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "raft/message.hpp"

namespace swarm::datadriven {

Result<std::vector<raft::ConfChangeSingle>> parse_changes(const std::string& input);

}  // namespace swarm::datadriven
