// FeedTable: what a node's feed said of overlay networks, whole, and what each part of the feed changes: rows
// as they were and as they are. The kernel's table (table_change) and the names of tasks (the caller's)
// follow from the same edits.
//
// While the complete feed comes (first ... last), old rows stay; those that it did not name go at its end. It
// outlives sessions: with no manager in sight the last rows stay. NOT here: what follows from them (keeper).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {

// A row that came, changed or went.
template <class Row>
struct RowEdit {
  std::optional<Row> before, after;
};
struct FeedEdits {
  std::vector<RowEdit<wire::OverlayNetwork>> networks;
  std::vector<RowEdit<wire::OverlayService>> services;
  std::vector<RowEdit<wire::OverlayTask>> tasks;
};

class FeedTable {
 public:
  FeedEdits on(const wire::OverlayChange& change);
  FeedEdits leave();      // all rows go
  FeedEdits all() const;  // all rows, as if they came now
  // The same, for a kernel's table that begins anew.
  FeedEdits start_over();

  // The same as rows of the kernel's table. A subnet or an address that cannot be read is left out.
  TableChange table_change(const FeedEdits& edits);

  const wire::OverlayNetwork* network(NetworkId id) const;
  const wire::OverlayTask* task(TaskId id) const;
  const std::map<ServiceId, wire::OverlayService>& services() const { return services_; }
  const std::map<TaskId, wire::OverlayTask>& tasks() const { return tasks_; }

 private:
  struct Named {
    std::set<NetworkId> networks;
    std::set<ServiceId> services;
    std::set<TaskId> tasks;
  };
  void add_tasks(const FeedEdits& edits, TableChange& change);
  void add_node(const wire::OverlayTask& task, TableChange& change);

  std::map<NetworkId, wire::OverlayNetwork> networks_;
  std::map<ServiceId, wire::OverlayService> services_;
  std::map<TaskId, wire::OverlayTask> tasks_;
  std::optional<Named> named_;
  std::map<NodeId, std::size_t> tasks_of_node_;  // rows that name it: its address is known meanwhile
};

}  // namespace swarm::overlay
