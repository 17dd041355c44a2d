// Meters: what a node has counted since it was started. Numbers only, and nothing in the engine looks at
// them: node/metrics.cpp shows them.
#pragma once

#include <array>
#include <cstdint>

#include "node/permissions.hpp"
#include "raft/message.hpp"

namespace swarm::node {

inline constexpr std::size_t kRaftMessageTypes =
    static_cast<std::size_t>(raft::MessageType::forget_leader) + 1;

struct Meters {
  std::uint64_t turns = 0;
  std::uint64_t elections = 0, leader_changes = 0;
  std::uint64_t proposals = 0, proposals_refused = 0;
  std::uint64_t snapshots_sent = 0, snapshots_installed = 0;
  std::uint64_t states_differing = 0;  // members that this leader found to have another state than itself
  std::uint64_t disk_batches = 0, disk_syncs = 0;
  std::array<std::uint64_t, kRaftMessageTypes> sent{}, received{};  // by type
  std::array<std::uint64_t, kDenials> denied{};                     // frames, by reason
  std::array<std::uint64_t, 5> answers{};                           // by class of status: 1xx, 2xx, ...

  static std::uint64_t& of(std::array<std::uint64_t, kRaftMessageTypes>& counts, raft::MessageType type) {
    const auto at = static_cast<std::size_t>(type);
    return counts[at < counts.size() ? at : 0];
  }
};

}  // namespace swarm::node
