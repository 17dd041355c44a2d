#include "model/restart.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::model {
namespace {

// A record stays short however many attempts a policy allows: from this many marks on, restarts that lie
// closer together than one part of the window share a mark.
constexpr std::size_t kMarks = 32;

const RestartRecord& record_of(const Task& task) {
  static const RestartRecord kNone;
  return task.restarts ? *task.restarts : kNone;
}

Duration window_of(const Task& task) {
  const auto& policy = task.spec().restart;
  return policy ? policy->window.value_or(Duration{}) : Duration{};
}

// Two restarts can lie within it, and it forgets what is older.
bool slides(const Task& task) { return window_of(task) > restart_delay(task.spec()); }

// From the end of its delay to its end, or to `wall` when it has not ended.
Duration run_of(const Task& task, WallTime wall) {
  const WallTime end = is_terminal(task.state()) ? time_of(task) : wall;
  return std::max(Duration{}, end - task.meta.created_at - record_of(task).delay);
}

std::uint64_t count(const std::vector<RestartMark>& marks) {
  std::uint64_t sum = 0;
  for (const auto& mark : marks) sum += mark.count;
  return sum;
}

void drop_old(std::vector<RestartMark>& marks, Duration ran, Duration window) {
  std::erase_if(marks, [&](const RestartMark& mark) { return ran - mark.at >= window; });
}

void add_mark(std::vector<RestartMark>& marks, Duration ran, Duration window) {
  const Duration part = window / static_cast<std::int64_t>(kMarks);
  if (marks.size() >= kMarks && ran - marks.back().at < part) {
    ++marks.back().count;
  } else {
    marks.push_back({ran, 1});
  }
}

}  // namespace

bool ended_by_itself(const Task& task) {
  const TaskStatus& status = task.status;
  for (const char* moved : {kNoLongerFits, kHasToMove, kLostWithNode})
    if (status.message == moved) return false;
  return status.state == TaskState::complete || status.state == TaskState::failed ||
         status.state == TaskState::rejected;
}

bool may_still_stop(const Task& task) { return task.status.message == kHasToMove; }

TaskStatus moved_away(const Task& task) {
  TaskStatus out = task.status;
  out.message = kNoLongerFits;
  return out;
}

WallTime time_of(const Task& task) {
  return task.applied_at == WallTime{} ? task.status.timestamp : task.applied_at;
}

std::uint64_t attempts_made(const Task& task) {
  const RestartRecord& record = record_of(task);
  const Duration window = window_of(task), run = run_of(task, time_of(task));
  if (window.ns == 0) return record.attempts;
  if (!slides(task)) return run >= window ? 0 : record.attempts;
  auto marks = record.marks;
  drop_old(marks, record.ran + run, window);
  return count(marks);
}

bool attempts_used_up(const Task& task) {
  const auto& policy = task.spec().restart;
  if (!policy || policy->max_attempts == 0 || !ended_by_itself(task)) return false;
  return attempts_made(task) >= policy->max_attempts;
}

namespace {

bool condition_allows(const Task& task) {
  const RestartCondition condition = restart_condition(task.spec());
  if (condition == RestartCondition::none) return false;
  return condition != RestartCondition::on_failure || task.state() != TaskState::complete;
}

}  // namespace

bool may_restart(const Task& task) { return condition_allows(task) && !attempts_used_up(task); }

std::string error_of(const Task& task) {
  const std::string& err = task.status.err;
  const auto& policy = task.spec().restart;
  if (!policy || !condition_allows(task) || !attempts_used_up(task)) return err;
  const std::string most = std::to_string(policy->max_attempts);
  return err + (err.empty() ? "" : "; ") + "restart attempts are used up (" + most + " of " + most + ")";
}

std::shared_ptr<const RestartRecord> handed_on(const Task& before, Duration delay, WallTime wall) {
  const auto& policy = before.spec().restart;
  if (!policy || policy->max_attempts == 0) return held_back(delay);
  RestartRecord out = record_of(before);
  out.delay = delay;
  out.ran = out.ran + run_of(before, wall);
  if (slides(before)) drop_old(out.marks, out.ran, window_of(before));
  if (ended_by_itself(before)) {
    out.attempts = attempts_made(before) + 1;
    if (slides(before)) add_mark(out.marks, out.ran, window_of(before));
  }
  return std::make_shared<const RestartRecord>(std::move(out));
}

std::shared_ptr<const RestartRecord> held_back(Duration delay) {
  static const auto kNotAtAll = std::make_shared<const RestartRecord>();
  if (delay.ns == 0) return kNotAtAll;
  RestartRecord out;
  out.delay = delay;
  return std::make_shared<const RestartRecord>(std::move(out));
}

}  // namespace swarm::model
