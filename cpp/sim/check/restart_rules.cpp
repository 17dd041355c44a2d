// Restarts: never more often within the window than the policy allows, and never before the delay is over.
// Counted here by the world's true time, from what was committed and from nothing that tasks carry.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/restart.hpp"
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

class Attempts {
 public:
  Verdict committed(const Commit& commit) {
    for (const auto& any : commit.changes) {
      if (const auto* change = std::get_if<TaskChange>(&any)) {
        note_end(*change, commit);
        if (change->created())
          if (auto broken = made(*change->after, commit)) return broken;
      }
      const auto* service = std::get_if<store::Change<model::Service>>(&any);
      // Another spec, also one that comes back, is a new chance for slots that have used up their attempts.
      const bool another = service != nullptr && service->before && service->after &&
                           service->before->spec_version != service->after->spec_version;
      if (service != nullptr && (service->removed() || another)) forget(service->before->id);
    }
    return std::nullopt;
  }

 private:
  struct Place {
    ServiceId service;
    Seat seat;
    auto operator<=>(const Place&) const = default;
  };
  struct History {
    TaskId last;
    std::uint64_t spec_version = 0;
    std::vector<Instant> attempts;
  };
  void note_end(const TaskChange& change, const Commit& commit) {
    if (change.removed()) {
      ended_.erase(change.before->id);
    } else if (model::is_terminal(change.after->state())) {
      ended_.try_emplace(change.after->id, commit.at);
    }
  }
  // The leader knew that the task had ended when it made another: else it moved it, for another reason.
  bool was_known(const model::Task& ended, const Commit& commit) const {
    const auto at = ended_.find(ended.id);
    return commit.proposal != nullptr && at != ended_.end() && at->second <= commit.proposal->at;
  }
  // One of another version made way for the new task: that begins to count anew.
  static bool replaces_another_version(const model::Task& task, const Commit& commit) {
    return std::ranges::any_of(commit.changes, [&](const auto& any) {
      const auto* change = std::get_if<TaskChange>(&any);
      return change != nullptr && change->before && change->after &&
             change->before->desired_state <= TaskState::running &&
             change->after->desired_state > TaskState::running &&
             change->after->service_id == task.service_id &&
             Census::seat_of(*change->after) == Census::seat_of(task) &&
             change->after->spec_version != task.spec_version;
    });
  }
  // Beside an old task that stays: a new leader begins the update of the slot again, and its restarts anew.
  static bool is_of_an_update(const model::Task& task, const Commit& commit) {
    if (task.desired_state != TaskState::running) return false;
    return std::ranges::any_of(
        commit.store.tasks_in_slot(task.service_id, task.slot), [&](const auto& other) {
          return other->id != task.id && other->live() && Census::seat_of(*other) == Census::seat_of(task);
        });
  }
  void forget(ServiceId service) {
    std::erase_if(places_, [&](const auto& one) { return one.first.service == service; });
  }
  Verdict made(const model::Task& task, const Commit& commit) {
    History& history = places_[{task.service_id, Census::seat_of(task)}];
    // A new version begins to count anew, also one that a rollback brings back.
    const bool anew = std::exchange(history.spec_version, task.spec_version) != task.spec_version;
    if (anew || replaces_another_version(task, commit) || is_of_an_update(task, commit))
      history = {task.id, task.spec_version, {}};
    const auto before = commit.store.task(std::exchange(history.last, task.id));
    // The slot was given up in between: it begins to count anew.
    if (!before || before->desired_state == TaskState::remove) history.attempts.clear();
    const auto& policy = task.spec().restart;
    if (!before || before->id == task.id || before->live() || !policy || policy->max_attempts == 0 ||
        !model::ended_by_itself(*before) || !was_known(*before, commit))
      return std::nullopt;
    const Duration window = policy->window.value_or(Duration{});
    // A window is measured by leaders' clocks: with one that was set, nothing is known.
    if (window.ns != 0 && (commit.proposal == nullptr || !commit.proposal->true_clock)) {
      history.attempts.clear();
      return std::nullopt;
    }
    // An attempt is as old as its proposal: that may wait for its commit until there is a majority again.
    const Instant now = commit.proposal == nullptr ? commit.at : commit.proposal->at;
    history.attempts.push_back(now);
    const auto in_window = std::count_if(history.attempts.begin(), history.attempts.end(), [&](Instant at) {
      return window.ns == 0 || now - at < window * 4 / 5;
    });
    if (static_cast<std::uint64_t>(in_window) <= policy->max_attempts) return std::nullopt;
    return "slot " + std::to_string(task.slot) + " of service " + task.service_id.str() + " is restarted " +
           std::to_string(in_window) + " times" + (window.ns == 0 ? "" : " within " + to_string(window)) +
           ", at most " + std::to_string(policy->max_attempts) + " are allowed";
  }
  std::map<Place, History> places_;
  std::map<TaskId, Instant> ended_;  // when that was committed
};

// The task may start from this change on.
bool is_released(const TaskChange& change) {
  return change.before && change.after && change.before->desired_state < TaskState::running &&
         change.after->desired_state == TaskState::running;
}

class Delays {
 public:
  Verdict committed(const Commit& commit) {
    for (const auto& any : commit.changes) {
      const auto* change = std::get_if<TaskChange>(&any);
      if (change == nullptr) continue;
      if (change->created()) note(*change->after, commit);
      if (change->removed() || change->after->desired_state > TaskState::running)
        made_.erase(change->latest().id);
      if (is_released(*change))
        if (auto broken = judge(*change->after, commit)) return broken;
    }
    return std::nullopt;
  }

 private:
  struct Made {
    Instant at;
    std::uint64_t term = 0;
  };
  void note(const model::Task& task, const Commit& commit) {
    const bool waits = task.desired_state < TaskState::running && task.restarts &&
                       commit.proposal != nullptr && commit.proposal->true_clock;
    if (waits) made_[task.id] = {commit.proposal->at, commit.proposal->term};
  }
  // A later leader counts by the wall clock, which may be another's.
  Verdict judge(const model::Task& task, const Commit& commit) {
    const auto made = made_.extract(task.id);
    if (made.empty() || commit.proposal == nullptr || made.mapped().term != commit.proposal->term ||
        !commit.proposal->true_clock)
      return std::nullopt;
    const Duration delay = task.restarts->delay, waited = commit.proposal->at - made.mapped().at;
    if (waited >= delay * 4 / 5) return std::nullopt;
    return "task " + task.id.str() + " may start after " + to_string(waited) + ", and its restart delay is " +
           to_string(delay);
  }
  std::map<TaskId, Made> made_;
};

}  // namespace

Rule restarts_keep_their_limit() {
  Rule rule;
  rule.name = "restarts keep their limit";
  rule.committed = [attempts = Attempts()](const Commit& commit) mutable {
    return attempts.committed(commit);
  };
  return rule;
}

Rule restarts_keep_their_delay() {
  Rule rule;
  rule.name = "restarts keep their delay";
  rule.committed = [delays = Delays()](const Commit& commit) mutable { return delays.committed(commit); };
  return rule;
}

}  // namespace swarm::sim
