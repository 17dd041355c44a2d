#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "scheduler/filters.hpp"
#include "scheduler/node_info.hpp"
#include "scheduler/spread.hpp"
#include "store/change_set.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::scheduler {
namespace {

using model::TaskState;

bool is_waiting(const model::Task& task) {
  return task.state() == TaskState::pending && task.node_id.empty() && counts(task);
}
// Of a global service: its node was chosen by the orchestrator.
bool is_preassigned(const model::Task& task) {
  return task.state() == TaskState::pending && !task.node_id.empty() && counts(task);
}
// Never placed, and not wanted any more: no agent will ever end it (swarmkit scheduler.go, noSuitableNode).
bool is_obsolete(const model::Task& task) {
  return task.state() < TaskState::assigned && task.desired_state == TaskState::shutdown;
}

// It has an address on a network that not every node can carry. Nothing of this engine needs those on
// ingress.
bool on_overlay(const store::Store& store, const model::Task& task) {
  return std::ranges::any_of(task.attachments, [&](const auto& attachment) {
    const auto network = store.network(attachment.network_id);
    return network && !network->ingress;
  });
}

GroupKey group_of(const model::Task& task) { return {task.service_id, task.spec_version}; }

model::TaskStep step_to(TaskId id, TaskState state, const char* message, std::string err, WallTime wall) {
  model::TaskStep step;
  step.id = id;
  step.status.emplace();
  step.status->timestamp = wall;
  step.status->state = state;
  step.status->message = message;
  step.status->err = std::move(err);
  return step;
}

}  // namespace

struct Scheduler::State {
  struct Group {
    std::set<std::pair<std::uint64_t, TaskId>> tasks;  // by slot
    std::string explained;                             // what its tasks say already
    bool fresh = true;                                 // some of them may not
  };
  // A plan under way, and what must be planned again when it fails.
  struct Dirty {
    std::set<GroupKey> groups;
    std::set<TaskId> preassigned;
    std::set<TaskId> obsolete;
    bool is_empty() const { return groups.empty() && preassigned.empty() && obsolete.empty(); }
    void add(const Dirty& other) {
      groups.insert(other.groups.begin(), other.groups.end());
      preassigned.insert(other.preassigned.begin(), other.preassigned.end());
      obsolete.insert(other.obsolete.begin(), other.obsolete.end());
    }
  };

  explicit State(Rng seed) : rng(seed) {}

  Rng rng;
  Spread::Infos infos;
  std::map<GroupKey, Group> groups;
  std::map<NodeId, std::set<TaskId>> preassigned;
  Dirty dirty, in_flight;
  bool wake_groups = false;  // something changed that may help any of them

  // While planning: charges that stand in the plan only. They are taken back at its end; the applied changes
  // bring them.
  std::vector<std::pair<NodeInfo*, store::Ref<model::Task>>> tentative;
  model::Transaction transaction;

  bool full() const { return transaction.actions.size() >= store::kMaxActions; }

  // ---- keeping up with the store
  void note_task(const store::Change<model::Task>& change, Instant now);
  void note_charge(const model::Task* before, const model::Task* after);
  void note_queues(const model::Task* before, const model::Task* after);
  void note_node(const store::Change<model::Node>& change);
  void wake(NodeId node);
  void forget_if_idle(NodeId node);

  // ---- planning
  void end_obsolete(WallTime wall);
  void confirm_preassigned(const store::Store& store, WallTime wall);
  void confirm(const model::Task& task, const Filters& filters, WallTime wall);
  void place_groups(const store::Store& store, Instant now, WallTime wall);
  bool place_group(const store::Store& store, const GroupKey& key, Group& group, Instant now, WallTime wall);
  bool explain(const store::Store& store, Group& group, const Filters& filters, std::size_t placed,
               WallTime wall);
  void charge(NodeInfo& info, store::Ref<model::Task> task) {
    info.add(*task);
    tentative.emplace_back(&info, std::move(task));
  }
};

// ---- keeping up with the store

void Scheduler::State::wake(NodeId node) {
  wake_groups = true;
  const auto there = preassigned.find(node);
  if (there != preassigned.end()) dirty.preassigned.insert(there->second.begin(), there->second.end());
}

void Scheduler::State::forget_if_idle(NodeId node) {
  const auto it = infos.find(node);
  if (it != infos.end() && !it->second.node && it->second.holds_nothing()) infos.erase(it);
}

void Scheduler::State::note_charge(const model::Task* before, const model::Task* after) {
  const bool was = before != nullptr && is_charged(*before);
  const bool is = after != nullptr && is_charged(*after);
  if (was && is && before->node_id == after->node_id && counts(*before) == counts(*after)) return;
  if (was) infos[before->node_id].remove(*before);
  if (is) infos[after->node_id].add(*after);
  if (!was) return;
  forget_if_idle(before->node_id);
  wake(before->node_id);
}

void Scheduler::State::note_queues(const model::Task* before, const model::Task* after) {
  const bool was_waiting = before != nullptr && is_waiting(*before);
  const bool waits = after != nullptr && is_waiting(*after);
  if (waits && !was_waiting) {
    Group& group = groups[group_of(*after)];
    group.tasks.insert({after->slot, after->id});
    group.fresh = true;
    dirty.groups.insert(group_of(*after));
  } else if (was_waiting && !waits) {
    const auto it = groups.find(group_of(*before));
    const bool was_there = it != groups.end() && it->second.tasks.erase({before->slot, before->id}) == 1;
    SWARM_CHECK(was_there, "task", before->id, "waits in no group");
    if (it->second.tasks.empty()) groups.erase(it);
  }
  const bool was_preset = before != nullptr && is_preassigned(*before);
  const bool preset = after != nullptr && is_preassigned(*after);
  if (preset && !was_preset) {
    preassigned[after->node_id].insert(after->id);
    dirty.preassigned.insert(after->id);
  } else if (was_preset && !preset) {
    auto& there = preassigned[before->node_id];
    there.erase(before->id);
    if (there.empty()) preassigned.erase(before->node_id);
    dirty.preassigned.erase(before->id);
  }
  if (after != nullptr && is_obsolete(*after)) dirty.obsolete.insert(after->id);
}

void Scheduler::State::note_task(const store::Change<model::Task>& change, Instant now) {
  const model::Task* before = change.before.get();
  const model::Task* after = change.after.get();
  note_charge(before, after);
  note_queues(before, after);
  // A global task's node was not our choice: its failures do not count against the node.
  if (before == nullptr || after == nullptr || after->slot == 0 || after->node_id.empty()) return;
  // Nor does what had to move, or was lost when the node was started again.
  const bool failed = (after->state() == TaskState::failed || after->state() == TaskState::rejected) &&
                      model::ended_by_itself(*after);
  const auto info = infos.find(after->node_id);
  if (failed && !is_terminal(before->state()) && info != infos.end())
    info->second.note_failure(group_of(*after), now);
}

void Scheduler::State::note_node(const store::Change<model::Node>& change) {
  const NodeId id = change.latest().id;
  infos[id].node = change.after;
  forget_if_idle(id);
  wake(id);
}

void Scheduler::observe(const store::Store&, const store::ChangeSet& changes, Instant now) {
  for (const auto& any : changes.changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) state_->note_task(*task, now);
    if (const auto* node = std::get_if<store::Change<model::Node>>(&any)) state_->note_node(*node);
  }
}

void Scheduler::start(const store::Store& store, Instant, WallTime) {
  for (const auto& [id, node] : store.nodes()) state_->infos[id].node = node;
  for (const auto& [id, task] : store.tasks()) {
    state_->note_charge(nullptr, task.get());
    state_->note_queues(nullptr, task.get());
  }
}

// ---- planning

void Scheduler::State::end_obsolete(WallTime wall) {
  while (!dirty.obsolete.empty() && !full()) {
    const TaskId id = *dirty.obsolete.begin();
    transaction.actions.push_back(step_to(id, TaskState::shutdown, "shutdown", "", wall));
    in_flight.obsolete.insert(dirty.obsolete.extract(dirty.obsolete.begin()));
  }
}

void Scheduler::State::confirm(const model::Task& task, const Filters& filters, WallTime wall) {
  static const NodeInfo kNone;
  const auto info = infos.find(task.node_id);
  const auto refusal = filters.refusal(info == infos.end() ? kNone : info->second);
  if (!refusal) {
    transaction.actions.push_back(step_to(task.id, TaskState::assigned,
                                          "scheduler confirmed task can run on preassigned node", "", wall));
    return;
  }
  Explanation why;
  why.count(*refusal);
  if (task.status.err == why.reasons()) return;
  transaction.actions.push_back(
      step_to(task.id, TaskState::pending, task.status.message.c_str(), why.reasons(), wall));
}

void Scheduler::State::confirm_preassigned(const store::Store& store, WallTime wall) {
  std::map<GroupKey, Filters> filters;
  while (!dirty.preassigned.empty() && !full()) {
    const auto task = store.task(*dirty.preassigned.begin());
    in_flight.preassigned.insert(dirty.preassigned.extract(dirty.preassigned.begin()));
    if (!task || !is_preassigned(*task) || !store.service(task->service_id)) continue;
    const GroupKey key = group_of(*task);
    auto of_group = filters.find(key);
    if (of_group == filters.end()) {
      Filters made(*task->templ, task->service_id, on_overlay(store, *task));
      of_group = filters.emplace(key, std::move(made)).first;
    }
    const std::size_t before = transaction.actions.size();
    confirm(*task, of_group->second, wall);
    const auto* step = transaction.actions.size() > before
                           ? std::get_if<model::TaskStep>(&transaction.actions.back())
                           : nullptr;
    if (step != nullptr && step->status && step->status->state == TaskState::assigned)
      charge(infos.at(task->node_id), task);
  }
}

// Records why each unplaced task was not placed, unless its status says so already; false when the plan is
// full.
bool Scheduler::State::explain(const store::Store& store, Group& group, const Filters& filters,
                               std::size_t placed, WallTime wall) {
  Explanation why;
  for (const auto& [id, info] : infos)
    if (const auto refusal = info.node ? filters.refusal(info) : std::nullopt) why.count(*refusal);
  const std::string text = why.text();
  if (!group.fresh && group.explained == text) return true;
  for (auto it = std::next(group.tasks.begin(), static_cast<std::ptrdiff_t>(placed)); it != group.tasks.end();
       ++it) {
    if (full()) return false;
    const auto task = store.task(it->second);
    if (task->status.err == text) continue;
    transaction.actions.push_back(
        step_to(task->id, TaskState::pending, task->status.message.c_str(), text, wall));
  }
  group.explained = text;
  group.fresh = false;
  return true;
}

// False when the plan is full before the group is done.
bool Scheduler::State::place_group(const store::Store& store, const GroupKey& key, Group& group, Instant now,
                                   WallTime wall) {
  SWARM_CHECK(!group.tasks.empty(), "group", key.service, key.spec_version);
  if (!store.service(key.service)) return true;  // its tasks are on their way out
  const store::Ref<model::TaskTemplate> templ = store.task(group.tasks.begin()->second)->templ;
  const Filters filters(*templ, key.service, on_overlay(store, *store.task(group.tasks.begin()->second)));
  static const std::vector<std::string> kNoPreferences;
  const auto& placement = templ->spec.placement;
  Spread spread(infos, filters, key, placement ? placement->spread_preferences : kNoPreferences, now, rng);
  std::size_t placed = 0;
  for (const auto& [slot, id] : group.tasks) {
    if (full()) return false;
    NodeInfo* info = spread.next();
    if (info == nullptr) return explain(store, group, filters, placed, wall);
    charge(*info, store.task(id));
    spread.placed();
    ++placed;
    auto step = step_to(id, TaskState::assigned, "scheduler assigned task to node", "", wall);
    step.node_id = info->node->id;
    transaction.actions.push_back(std::move(step));
  }
  return true;
}

void Scheduler::State::place_groups(const store::Store& store, Instant now, WallTime wall) {
  if (std::exchange(wake_groups, false))
    for (const auto& [key, group] : groups) dirty.groups.insert(key);
  while (!dirty.groups.empty() && !full()) {
    const GroupKey key = *dirty.groups.begin();
    const auto group = groups.find(key);
    in_flight.groups.insert(key);
    if (group != groups.end() && !place_group(store, key, group->second, now, wall)) return;  // stays dirty
    dirty.groups.erase(key);
  }
}

Scheduler::Scheduler(Rng rng) : state_(std::make_unique<State>(rng)) {}
void Scheduler::reseed(Rng rng) { state_->rng = rng; }
Scheduler::~Scheduler() = default;

std::optional<model::Transaction> Scheduler::plan(const store::Store& store, Instant now, WallTime wall) {
  State& state = *state_;
  SWARM_CHECK(state.tentative.empty() && state.in_flight.is_empty(), "the last plan is not settled");
  state.transaction = {};
  state.end_obsolete(wall);
  state.confirm_preassigned(store, wall);
  state.place_groups(store, now, wall);
  for (const auto& [info, task] : state.tentative) info->remove(*task);
  state.tentative.clear();
  if (!state.transaction.empty()) return std::move(state.transaction);
  state.in_flight = {};
  return std::nullopt;
}

void Scheduler::settled(const store::Store&, const model::Outcome& outcome, Instant) {
  State& state = *state_;
  if (!outcome.applied) {
    for (const auto& key : state.in_flight.groups)
      if (const auto group = state.groups.find(key); group != state.groups.end()) group->second.fresh = true;
    state.dirty.add(state.in_flight);
  }
  state.in_flight = {};
}

}  // namespace swarm::scheduler
