// How an update goes from slot to slot: where the new task starts first, a slot that has a running task keeps
// one; and where slots are replaced one at a time, the next one waits for the delay
// (reliability.md, invariant 12; the number of slots at once is watch_rules' update_pace).
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "sim/census.hpp"
#include "sim/check/rules.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;
using TaskChange = store::Change<model::Task>;

// A plan may have been made before the newest spec was known: both must ask for it.
bool always_starts_first(const model::Service& service) {
  const auto starts_first = [](const std::optional<model::UpdateConfig>& config) {
    return config && config->order == model::UpdateOrder::start_first;
  };
  const auto& before = service.previous_spec;
  return starts_first(service.spec.update) && starts_first(service.spec.rollback) &&
         (!before || (starts_first(before->update) && starts_first(before->rollback)));
}

// Not by an update: its slot goes, with all that is in it.
bool is_to_be_removed(const model::Task& task) { return task.desired_state >= TaskState::remove; }

bool is_told_to_stop(const TaskChange& change) {
  return change.before && change.after && change.before->live() &&
         change.before->state() == TaskState::running && change.after->state() == TaskState::running &&
         change.after->desired_state > TaskState::running && !is_to_be_removed(*change.after);
}

struct Slot {
  bool has_newer = false, runs = false;
};

Slot look_at(const model::Task& task, const model::Service& service, const store::Store& store) {
  Slot slot;
  for (const auto& other : store.tasks_in_slot(service.id, task.slot)) {
    if (!other->live() || Census::seat_of(*other) != Census::seat_of(task)) continue;
    slot.has_newer |= other->spec_version == service.spec_version;
    slot.runs |= other->state() == TaskState::running;
  }
  return slot;
}

Verdict judge_order(const TaskChange& change, const Commit& commit) {
  if (!is_told_to_stop(change)) return std::nullopt;
  const model::Task& task = *change.after;
  const auto service = commit.store.service(task.service_id);
  if (!service || task.spec_version == service->spec_version || !way_of_update(*service) ||
      !always_starts_first(*service) || !stays_where_it_is(task, commit.store))
    return std::nullopt;
  const Slot slot = look_at(task, *service, commit.store);
  if (!slot.has_newer || slot.runs) return std::nullopt;
  return in_words(*service, task) + " is to stop before a new task runs, and the order is start-first";
}

// One slot at a time: when the last one was done, in the present update and under the present leader.
class Delays {
 public:
  Verdict committed(const Commit& commit) {
    if (commit.proposal == nullptr) return std::nullopt;
    for (const auto& any : commit.changes) {
      if (const auto* service = std::get_if<store::Change<model::Service>>(&any)) changed(*service);
      const auto* task = std::get_if<TaskChange>(&any);
      if (task == nullptr || !task->after) continue;
      if (auto broken = judge(*task, commit)) return broken;
      note(*task, commit);
    }
    return std::nullopt;
  }

 private:
  struct Last {
    Instant at;
    std::uint64_t term = 0;
  };
  void changed(const store::Change<model::Service>& change) {
    if (!change.before || !change.after || change.before->spec_version != change.after->spec_version ||
        !way_of_update(*change.after))
      last_.erase(change.latest().id);
  }
  void note(const TaskChange& change, const Commit& commit) {
    const auto service = commit.store.service(change.after->service_id);
    if (!service || change.after->spec_version != service->spec_version || !way_of_update(*service)) return;
    const bool now_runs = change.after->state() == TaskState::running && change.after->live() &&
                          (!change.before || change.before->state() < TaskState::running);
    if (now_runs && made_.erase(change.after->id) != 0)
      last_[service->id] = {commit.at, commit.proposal->term};
  }
  // A task of the new spec is made in the slot of one that ran: not a restart's doing. Where the old one
  // goes on, an update's new task starts at once, and a restart's is held.
  bool is_replacement(const TaskChange& change, const model::Service& service, const Commit& commit) const {
    if (!change.created() || change.after->spec_version != service.spec_version) return false;
    const bool held = change.after->desired_state < TaskState::running;
    for (const auto& other : commit.store.tasks_in_slot(service.id, change.after->slot))
      if (other->id != change.after->id && other->spec_version != service.spec_version &&
          other->state() == TaskState::running && other->meta.version != 0 &&
          Census::seat_of(*other).slot != 0 && stays_where_it_is(*other, commit.store) &&
          !is_to_be_removed(*other) && was_wanted(*other, commit) &&
          !(held && other->desired_state <= TaskState::running))
        return true;
    return false;
  }
  static bool was_wanted(const model::Task& task, const Commit& commit) {
    for (const auto& any : commit.changes)
      if (const auto* change = std::get_if<TaskChange>(&any);
          change && change->before && change->before->id == task.id)
        return change->before->desired_state <= TaskState::running;
    return task.desired_state <= TaskState::running;
  }
  Verdict judge(const TaskChange& change, const Commit& commit) {
    const auto service = commit.store.service(change.after->service_id);
    if (!service) return std::nullopt;
    const auto way = way_of_update(*service);
    if (!way || !is_replacement(change, *service, commit)) return std::nullopt;
    made_.insert(change.after->id);
    const auto last = last_.find(service->id);
    if (way->parallelism != 1 || last == last_.end() || last->second.term != commit.proposal->term ||
        !commit.proposal->true_clock)
      return std::nullopt;
    const Duration waited = commit.proposal->at - last->second.at;
    if (waited >= way->delay * 4 / 5) return std::nullopt;
    return in_words(*service, *change.after) + " is replaced " + to_string(waited) +
           " after the slot before it, and the delay is " + to_string(way->delay);
  }
  std::map<ServiceId, Last> last_;
  std::set<TaskId> made_;  // by an update, and not seen to run yet
};

}  // namespace

Rule updates_keep_their_order() {
  Rule rule;
  rule.name = "updates keep their order";
  rule.committed = [](const Commit& commit) -> Verdict {
    for (const auto& any : commit.changes)
      if (const auto* change = std::get_if<TaskChange>(&any))
        if (auto broken = judge_order(*change, commit)) return broken;
    return std::nullopt;
  };
  return rule;
}

Rule updates_keep_their_delay() {
  Rule rule;
  rule.name = "updates keep their delay";
  rule.committed = [delays = Delays()](const Commit& commit) mutable { return delays.committed(commit); };
  return rule;
}

}  // namespace swarm::sim
