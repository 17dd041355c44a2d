// Bounds: what a number that a user chooses may be, in one place: validation refuses what is outside, and
// whoever uses a stored number takes it through `usable`, so that one from before these bounds (an old log, a
// snapshot) is harmless. NOT here: durations, whose arithmetic saturates (base/time.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/cluster.hpp"
#include "model/service.hpp"

namespace swarm::model {

struct Bounds {
  std::uint64_t low, high;
  constexpr bool hold(std::uint64_t number) const { return low <= number && number <= high; }
  constexpr std::uint64_t clamp(std::uint64_t number) const {
    return number < low ? low : number > high ? high : number;
  }
};

// Entries of Raft's log are kept in memory: more than a million are more than a machine should hold.
inline constexpr Bounds kSnapshotInterval{1, 1'000'000};
inline constexpr Bounds kSlowFollowerEntries{0, 1'000'000};
inline constexpr Bounds kOldSnapshots{0, 1'000};
inline constexpr Bounds kHeartbeatTickBounds{1, 1'000};
inline constexpr Bounds kElectionTickBounds{2, 10'000};
inline constexpr Duration kShortestHeartbeat = Duration::millis(10);
inline constexpr Duration kShortestCertExpiry = Duration::seconds(3600);
inline constexpr Bounds kPorts{1, 65'535};
inline constexpr std::uint32_t kLongestSubnetPrefix = 29;  // leaves room for eight addresses

// Calls `see(name, number, bounds)` for each number of Raft's settings.
template <class Raft, class See>
void each_number(Raft& raft, See&& see) {
  see("snapshot interval", raft.snapshot_interval, kSnapshotInterval);
  see("number of log entries for slow followers", raft.log_entries_for_slow_followers, kSlowFollowerEntries);
  see("number of old snapshots to retain", raft.keep_old_snapshots, kOldSnapshots);
  see("number of Raft heartbeat ticks", raft.heartbeat_tick, kHeartbeatTickBounds);
  see("number of Raft election ticks", raft.election_tick, kElectionTickBounds);
}

// The settings as they are used: each number within its bounds, an election longer than a heartbeat.
RaftSettings usable(RaftSettings raft);
Duration usable_heartbeat(Duration period);

// A sentence for each number that is out of its bounds, as Docker words such things: "invalid snapshot
// interval 0: must be between 1 and 1000000".
std::vector<std::string> out_of_bounds(const ClusterSpec& spec);
std::vector<std::string> out_of_bounds(const ServiceSpec& spec);
// The same of what is stored already, for the log and for `docker info`: whose number it is, and what is
// done.
std::vector<std::string> kept_in_bounds(const Cluster& cluster);
std::vector<std::string> kept_in_bounds(const Service& service);

}  // namespace swarm::model
