// Docker's defaults, in one place (swarmkit api/defaults/service.go; swarmpy's own where a comment says so).
#pragma once

#include "model/service_spec.hpp"

namespace swarm::model {

inline constexpr Duration kRestartDelay = Duration::seconds(5);
inline constexpr Duration kUpdateMonitor = Duration::seconds(5);
inline constexpr Duration kStopGracePeriod = Duration::seconds(10);
// How long a replacement waits for the old task of its slot to stop: a minute, or the old task's stop grace
// plus kKilledTaskTimeout (for the report that it was killed), whichever is longer.
inline constexpr Duration kOldTaskTimeout = Duration::seconds(60);
inline constexpr Duration kKilledTaskTimeout = Duration::seconds(10);
inline constexpr std::int64_t kTaskHistoryLimit = 5;
// A DOWN node's tasks are given up (ORPHANED) after this.
inline constexpr Duration kNodeDownToOrphaned = Duration::seconds(24 * 3600);

// swarmpy's own: Docker's 5 s, 10 ticks and 1 tick of 1 s suit clusters that span machines; these suit one
// machine.
// How long all nodes together take to ask for the certificates of a new root: a few at a time, so that the
// leader signs them beside its other work.
constexpr Duration renewal_window(std::size_t nodes) {
  return Duration::millis(5) * static_cast<std::int64_t>(nodes);
}
inline constexpr Duration kHeartbeatPeriod = Duration::millis(500);
inline constexpr Duration kRaftTick = Duration::millis(50);
inline constexpr std::uint32_t kElectionTicks = 10;
inline constexpr std::uint32_t kHeartbeatTicks = 1;

// What an absent UpdateConfig means: one at a time.
inline UpdateConfig default_update_config() {
  UpdateConfig config;
  config.parallelism = 1;
  return config;
}

inline Duration restart_delay(const TaskSpec& spec) {
  return spec.restart && spec.restart->delay ? *spec.restart->delay : kRestartDelay;
}
inline RestartCondition restart_condition(const TaskSpec& spec) {
  return spec.restart ? spec.restart->condition : RestartCondition::any;
}
inline Duration monitor_period(const UpdateConfig& config) { return config.monitor.value_or(kUpdateMonitor); }
Duration stop_grace(const TaskSpec& spec);
Duration old_task_timeout(const TaskSpec& spec);

}  // namespace swarm::model
