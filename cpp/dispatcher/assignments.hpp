// AssignmentSet: what one session's agent was told to run, and what it must still be told.
//
// One message is under way at a time. What changes meanwhile is gathered and goes out as one increment after
// the acknowledgement; where none comes in time the whole set is sent again, so that a lost, doubled or late
// frame can do no harm. A change costs work for this node only (unlike swarmkit's dispatcher/assignments.go,
// where each stream looks at every event).
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

class AssignmentSet {
 public:
  // The task is new, changed for the agent, or gone.
  void note(TaskId task) { changed_.insert(task); }
  // The agent starts from nothing. Numbers go on: an old acknowledgement must not pass for a new one.
  void start_over() {
    wants_all_ = true;
    deadline_ = Instant::never();
  }
  void on_ack(const wire::AssignmentsAck& ack);

  // The next message, when it is time for one. The session's number is for the caller to fill in.
  std::optional<wire::Assignments> next(const store::Store& store, NodeId node, Instant now);
  // When the acknowledgement is overdue.
  Instant next_deadline() const { return deadline_; }

 private:
  wire::Assignments all(const store::Store& store, NodeId node) const;
  wire::Assignments increment(const store::Store& store, NodeId node) const;

  std::uint64_t version_ = 0;            // of the last message
  Instant deadline_ = Instant::never();  // never: nothing is under way
  bool all_under_way_ = false;
  std::int64_t timeouts_ = 0;  // in a row
  bool wants_all_ = true;
  std::set<TaskId> changed_;
};

// Does the task belong in the set of its node's agent?
bool is_for_agent(const model::Task& task);

}  // namespace swarm::dispatcher
