// Bounds: the range of each number that a user may choose, in one place. Validation refuses a number outside
// its range. Code that uses a stored number passes it through `usable`, so that a number from before these
// bounds (an old log, a snapshot) does no harm. NOT here: durations, whose arithmetic saturates
// (base/time.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"

namespace swarm::model {

struct Bounds {
  std::uint64_t low, high;
  constexpr bool hold(std::uint64_t number) const { return low <= number && number <= high; }
  constexpr std::uint64_t clamp(std::uint64_t number) const {
    return number < low ? low : number > high ? high : number;
  }
};

// Raft's log is kept in memory: a machine should not hold more than a million entries.
inline constexpr Bounds kSnapshotInterval{1, 1'000'000};
inline constexpr Bounds kSlowFollowerEntries{0, 1'000'000};
inline constexpr Bounds kOldSnapshots{0, 1'000};
inline constexpr Bounds kHeartbeatTickBounds{1, 1'000};
inline constexpr Bounds kElectionTickBounds{2, 10'000};
inline constexpr Duration kShortestHeartbeat = Duration::millis(10);
inline constexpr Duration kShortestCertExpiry = Duration::seconds(3600);
inline constexpr std::size_t kLongestHostname = 255;  // RFC 1035, 2.3.4
inline constexpr std::size_t kLongestWord = 255;      // of a platform, a version, a plugin
inline constexpr std::size_t kMostEngineLabels = 256, kLongestEngineLabels = 32 * 1024;  // bytes of all
inline constexpr std::size_t kMostPlugins = 256, kMostGenericResources = 1'024;
inline constexpr std::size_t kLongestTlsInfo = 64 * 1024;  // bytes
inline constexpr std::size_t kLongestStatusText =
    2'048;  // bytes: of what a node says of a task, or of itself
inline constexpr std::size_t kMostStatusPorts = 256;
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

// Returns the settings as the engine uses them: each number within its bounds, an election longer than a
// heartbeat.
RaftSettings usable(RaftSettings raft);
Duration usable_heartbeat(Duration period);

// Returns a sentence for each number that is out of its bounds, in Docker's words: "invalid snapshot interval
// 0: must be between 1 and 1000000".
std::vector<std::string> out_of_bounds(const ClusterSpec& spec);
std::vector<std::string> out_of_bounds(const ServiceSpec& spec);
// The same for what a node says of itself: a program with a node's key may say anything.
std::vector<std::string> out_of_bounds(const NodeDescription& description);
// What a node reports of a task, as it is stored: longer texts are cut, and end in "...". Times stay within
// what calendars can count with.
TaskStatus within_bounds(TaskStatus status);
std::string within_bounds(std::string text);
// The same for stored objects, for the log and for `docker info`: each sentence also names the object and the
// remedy.
std::vector<std::string> kept_in_bounds(const Cluster& cluster);
std::vector<std::string> kept_in_bounds(const Service& service);

}  // namespace swarm::model
