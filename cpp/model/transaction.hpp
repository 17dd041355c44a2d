// Transaction: what a log entry carries. Resulting objects, not commands, so that followers apply blindly and
// the leader's logic may change between versions (swarmkit design/raft.md).
//
// Every action may name the version that its object must still have; apply checks all of them first, and a
// transaction that fails one check changes nothing, on every replica alike. Ids, times and random choices are
// made by the proposer and stand in the entry.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/kinds.hpp"

namespace swarm::model {

// Writes a whole object. meta.version 0: create (the id and, where names are unique, the name must be free).
// Otherwise: update (the stored version must equal meta.version). Apply stamps the new version and times.
struct Put {
  PutKinds::Into<std::variant> object;
  bool operator==(const Put&) const = default;
};

struct Remove {
  Kind kind = Task::kKind;
  Uint128 id = 0;
  std::uint64_t version = 0;  // 0: any. Removing an absent object is no error.
  bool operator==(const Remove&) const = default;

  // The object of kind T with this id.
  template <class T>
  static Remove of(decltype(T::id) id, std::uint64_t version = 0) {
    return {T::kKind, id.value(), version};
  }
};

// A small step of one task, in place of the whole object: what most entries are made of.
// Observed and desired state only grow: a step back is dropped in silence, field by field.
struct TaskStep {
  TaskId id;
  std::uint64_t version =
      0;  // 0: any. A step for a task that is gone: dropped in silence when 0, else a conflict.
  std::optional<TaskState> desired_state;
  std::optional<NodeId> node_id;
  std::optional<TaskStatus> status;
  // The status comes from an agent: it is taken only from the task's own node. Empty: a manager's own step.
  NodeId reported_by;
  std::vector<TaskAttachment> attachments = {};  // empty: they stay as they are
  bool operator==(const TaskStep&) const = default;
};

// A node's status, description or address as the dispatcher saw it.
struct NodeStep {
  NodeId id;
  std::optional<NodeStatus> status;
  std::optional<NodeDescription> description;
  std::optional<NodeRole> role;  // observed
  std::optional<std::optional<ManagerStatus>> manager;
  bool operator==(const NodeStep&) const = default;
};

using Action = std::variant<Put, Remove, TaskStep, NodeStep, WriteKey>;

struct Transaction {
  // Unique among proposals: the proposer finds its own entry by it. 0: no proposer waits.
  std::uint64_t request = 0;
  WallTime time;  // the leader's clock; created_at and updated_at come from it
  std::vector<Action> actions;
  bool empty() const { return actions.empty(); }
  bool operator==(const Transaction&) const = default;
};

// What became of a proposal.
struct Outcome {
  bool applied = false;
  std::uint64_t version = 0;  // the entry's index: the new meta.version of what it wrote
  std::string error;          // why not: "update out of sequence", "object already exists", ...
};

}  // namespace swarm::model
