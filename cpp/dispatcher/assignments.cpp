#include "dispatcher/assignments.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

constexpr Duration kAckTimeout = Duration::millis(500);
constexpr std::int64_t kMaxDoublings = 4;  // up to 8 s: an agent that is slow with a large set is not flooded

}  // namespace

// Ended ones, too: until the reaper deletes them, the agent keeps their containers and logs.
bool is_for_agent(const model::Task& task) {
  return !task.node_id.empty() && task.state() >= model::TaskState::assigned;
}

void AssignmentSet::on_ack(const wire::AssignmentsAck& ack) {
  if (ack.want_complete) {
    // A gap seen before the whole set arrived: it is on its way already.
    if (!all_under_way_ || deadline_ == Instant::never()) {
      wants_all_ = true;
      deadline_ = Instant::never();
    }
  } else if (ack.applied == version_) {
    deadline_ = Instant::never();
    all_under_way_ = false;
    timeouts_ = 0;
  }
}

wire::Assignments AssignmentSet::all(const store::Store& store, NodeId node) const {
  wire::Assignments message;
  message.complete = true;
  for (const TaskId id : store.tasks_on_node(node))
    if (const auto task = store.task(id); is_for_agent(*task)) message.tasks.push_back({*task});
  return message;
}

wire::Assignments AssignmentSet::increment(const store::Store& store, NodeId node) const {
  wire::Assignments message;
  message.applies_to = version_;
  for (const TaskId id : changed_) {
    const auto task = store.task(id);
    if (task && task->node_id == node && is_for_agent(*task)) {
      message.tasks.push_back({*task});
    } else {
      message.removed.push_back(id);
    }
  }
  return message;
}

std::optional<wire::Assignments> AssignmentSet::next(const store::Store& store, NodeId node, Instant now) {
  if (deadline_ != Instant::never()) {
    if (now < deadline_) return std::nullopt;
    wants_all_ = true;
    timeouts_ = std::min(timeouts_ + 1, kMaxDoublings);
  }
  if (!wants_all_ && changed_.empty()) return std::nullopt;
  wire::Assignments message = wants_all_ ? all(store, node) : increment(store, node);
  message.results_in = ++version_;
  message.store_version = store.version();
  all_under_way_ = message.complete;
  wants_all_ = false;
  changed_.clear();
  deadline_ = now + kAckTimeout * (std::int64_t{1} << timeouts_);
  return message;
}

}  // namespace swarm::dispatcher
