// Census: how many tasks of each service run and are meant to, on nodes that are not down, and in how many
// slots. Kept up with each committed change: the cost grows with what changed, never with what exists.
//
// NOT here: whether that is as it should be (watch_rules), and what a manager that is behind would say.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "store/store.hpp"

namespace swarm::sim {

// Where a task belongs: the slot of a replicated service, the node of a global one.
struct Seat {
  std::uint64_t slot = 0;
  NodeId node;
  auto operator<=>(const Seat&) const = default;
};

class Census {
 public:
  // Counts everything once. From then on `changed` must get every change, in order.
  void begin(const store::Store& store);
  bool begun() const { return begun_; }
  // `store` has the changes already.
  void changed(const std::vector<store::AnyChange>& changes, const store::Store& store);

  std::size_t running(ServiceId service) const;
  // The seats that have a running task, each with the number of such tasks.
  const std::map<Seat, std::size_t>& seats(ServiceId service) const;

  static bool runs(const model::Task& task, const store::Store& store);
  static Seat seat_of(const model::Task& task);

 private:
  struct Place {
    ServiceId service;
    Seat seat;
  };
  void count(const model::Task& task, bool runs);
  void recount(TaskId id, const store::Store& store);

  bool begun_ = false;
  std::map<TaskId, Place> counted_;
  std::map<ServiceId, std::size_t> running_;
  std::map<ServiceId, std::map<Seat, std::size_t>> seats_;
};

}  // namespace swarm::sim
