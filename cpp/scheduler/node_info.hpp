// NodeInfo: what the scheduler knows of one node: the node, and what its tasks hold there. Kept up by the
// changes alone.
//
// A task is charged from its assignment until its observed state passes RUNNING, also while it shuts down; it
// counts for spreading while it is wanted (swarmkit manager/scheduler/nodeinfo.go).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "store/store.hpp"

namespace swarm::scheduler {

// Tasks that are alike for placement: one version of one service.
struct GroupKey {
  ServiceId service;
  std::uint64_t spec_version = 0;
  auto operator<=>(const GroupKey&) const = default;
};

inline constexpr std::size_t kFaultyFailures = 5;
inline constexpr Duration kFailureWindow = Duration::seconds(5 * 60);

// Returns true if the task holds resources of its node.
bool is_charged(const model::Task& task);
// Returns true if the task counts for spreading and for max replicas.
bool counts(const model::Task& task);

class NodeInfo {
 public:
  store::Ref<model::Node> node;  // null: gone, or not seen yet

  void add(const model::Task& task) { change(task, 1); }
  void remove(const model::Task& task) { change(task, -1); }
  bool holds_nothing() const { return charged_ == 0; }

  std::int64_t free_nano_cpus() const {
    return saturate<std::int64_t>(node->description.resources.nano_cpus - nano_cpus_);
  }
  std::int64_t free_memory() const {
    return saturate<std::int64_t>(node->description.resources.memory_bytes - memory_bytes_);
  }
  std::int64_t free_generic(const std::string& kind) const;
  std::uint64_t tasks() const { return tasks_; }
  std::uint64_t tasks_of(ServiceId service) const;
  bool uses(const model::PortKey& port) const { return host_ports_.contains(port); }

  void note_failure(const GroupKey& group, Instant now);
  // 0 below the limit: only a node that fails again and again is avoided.
  std::size_t faults(const GroupKey& group, Instant now) const;

 private:
  void change(const model::Task& task, std::int64_t sign);
  void forget_old_failures(Instant now);

  std::int64_t charged_ = 0;
  std::uint64_t tasks_ = 0;
  std::map<ServiceId, std::uint64_t> tasks_of_;
  // Wider than what one task may reserve, so that a sum of many is exact and can be taken off again.
  __int128 nano_cpus_ = 0, memory_bytes_ = 0;
  std::map<std::string, __int128> generic_;
  std::map<model::PortKey, std::int64_t> host_ports_;
  std::map<GroupKey, std::deque<Instant>> failures_;
};

}  // namespace swarm::scheduler
