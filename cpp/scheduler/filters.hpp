// Filters: whether a task of a given template may run on a node, and if not, why. The first filter that fails
// ends the check for that node; reasons are counted over nodes and given in Docker's words (swarmkit
// manager/scheduler/filter.go). NOT here: which of the fitting nodes is best (spread); plugins but that of
// overlay networks, and cluster volumes (there are none).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "model/constraint.hpp"
#include "scheduler/node_info.hpp"

namespace swarm::scheduler {

// In the order of checking.
enum class Filter { ready, resource, overlay, constraint, platform, host_port, max_replicas };
inline constexpr std::size_t kFilters = 7;

// Made once for a group of alike tasks.
class Filters {
 public:
  // `on_overlay`: its tasks are on overlay networks, which not every node can carry.
  Filters(const model::TaskTemplate& templ, ServiceId service, bool on_overlay);
  // The first filter that refuses the node.
  std::optional<Filter> refusal(const NodeInfo& info) const;

 private:
  bool passes_resource(const NodeInfo& info) const;
  bool passes_platform(const model::Node& node) const;

  ServiceId service_;
  bool on_overlay_ = false;
  const model::Resources* reservations_ = nullptr;
  const model::Placement* placement_ = nullptr;
  bool unreadable_constraints_ = false;
  std::vector<model::Constraint> constraints_;
  std::vector<model::PortKey> host_ports_;
};

class Explanation {
 public:
  void count(Filter filter) { ++counts_[static_cast<std::size_t>(filter)]; }
  // "insufficient resources on 2 nodes; unsupported platform on 1 node", most frequent first; may be empty.
  std::string reasons() const;
  // "no suitable node (...)"
  std::string text() const;

 private:
  std::array<std::size_t, kFilters> counts_{};
};

}  // namespace swarm::scheduler
