#include "model/restart.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "base/time.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::model {
namespace {

constexpr WallTime kStart{1'000'000'000'000};

// A chain of tasks in one slot, each handed what the one before knew.
class Chain {
 public:
  Chain(std::uint64_t attempts, Duration window, Duration delay) {
    auto templ = std::make_shared<TaskTemplate>();
    templ->spec.restart.emplace().max_attempts = attempts;
    templ->spec.restart->window = window;
    templ->spec.restart->delay = delay;
    task_.templ = templ;
    task_.meta.created_at = kStart;
    delay_ = delay;
  }
  // It starts when its delay is over, runs so long and fails. Another one follows if it may.
  bool fails_after(Duration run) { return ends(TaskState::failed, "started", run); }
  bool ends(TaskState state, const char* message, Duration run) {
    const Duration held = task_.restarts ? task_.restarts->delay : Duration{};
    task_.status.state = state;
    task_.status.message = message;
    task_.applied_at = task_.meta.created_at + held + run;
    if (!may_restart(task_)) return false;
    Task next;
    next.templ = task_.templ;
    next.meta.created_at = task_.applied_at;
    next.restarts = handed_on(task_, delay_, task_.applied_at);
    task_ = next;
    return true;
  }
  // Failures of that length until there is no further attempt.
  int lasts(Duration run, int most = 1'000) {
    int failures = 1;
    while (failures < most && fails_after(run)) ++failures;
    return failures;
  }
  const Task& task() const { return task_; }

 private:
  Task task_;
  Duration delay_;
};

constexpr Duration kMilli = Duration::millis(1);
constexpr Duration kSecond = Duration::seconds(1);

TEST(RestartAttempts, without_a_window_every_failure_counts) {
  EXPECT_EQ(Chain(3, {}, kSecond).lasts(Duration::seconds(3'600)), 4) << "the first, and three restarts";
  EXPECT_EQ(Chain(0, {}, kSecond).lasts(kMilli), 1'000) << "0: without end";
}

TEST(RestartAttempts, a_window_forgets_what_is_older) {
  EXPECT_EQ(Chain(2, kSecond * 10, {}).lasts(kSecond * 4), 3);
  EXPECT_EQ(Chain(2, kSecond * 10, {}).lasts(kSecond * 5), 1'000)
      << "ten seconds ago is not within ten seconds";
  Chain chain(2, kSecond * 10, {});
  EXPECT_TRUE(chain.fails_after(kMilli));
  EXPECT_TRUE(chain.fails_after(kSecond * 4));
  EXPECT_TRUE(chain.fails_after(kSecond * 7)) << "the first is out of the window, the second is in it";
  EXPECT_FALSE(chain.fails_after(kSecond * 2));
}

// Docker measures by the wall: with this window and a delay its attempts never count.
TEST(RestartAttempts, the_delay_between_attempts_is_no_part_of_the_window) {
  EXPECT_EQ(Chain(2, kMilli * 500, kSecond).lasts(kMilli * 10), 3);
  EXPECT_EQ(Chain(2, kMilli * 1'500, kSecond).lasts(kMilli * 10), 3);
  EXPECT_EQ(Chain(5, kSecond * 10, kSecond * 5).lasts(kSecond), 6);
}

TEST(RestartAttempts, a_window_within_the_delay_says_how_long_a_restart_needs_to_succeed) {
  EXPECT_EQ(Chain(3, kMilli * 500, kSecond).lasts(kMilli * 499), 4);
  EXPECT_EQ(Chain(3, kMilli * 500, kSecond).lasts(kMilli * 500), 1'000);
  EXPECT_EQ(Chain(3, kSecond, kSecond).lasts(kMilli * 999), 4);
  Chain chain(2, kMilli * 500, kSecond);
  EXPECT_TRUE(chain.fails_after(kMilli));
  EXPECT_TRUE(chain.fails_after(kMilli));
  EXPECT_TRUE(chain.fails_after(kSecond)) << "it was up: all is forgotten";
  EXPECT_TRUE(chain.fails_after(kMilli));
  EXPECT_FALSE(chain.fails_after(kMilli));
}

TEST(RestartAttempts, many_attempts_in_a_window_are_counted_in_a_short_record) {
  Chain fast(1'000, Duration::seconds(3'600), {});
  EXPECT_EQ(fast.lasts(kSecond, 5'000), 1'001);
  EXPECT_LE(fast.task().restarts->marks.size(), 65U);
  EXPECT_EQ(Chain(100, Duration::seconds(3'600), {}).lasts(Duration::seconds(60)), 1'000)
      << "sixty an hour are not a hundred";
}

TEST(RestartAttempts, only_an_end_of_its_own_costs_one) {
  for (const TaskState state : {TaskState::complete, TaskState::failed, TaskState::rejected}) {
    Chain chain(1, {}, {});
    EXPECT_TRUE(chain.ends(state, "started", kSecond));
    EXPECT_FALSE(chain.ends(state, "started", kSecond)) << to_string(state);
  }
  Chain chain(1, {}, {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(chain.ends(TaskState::shutdown, "shutdown", kSecond)) << "told to stop";
    EXPECT_TRUE(chain.ends(TaskState::orphaned, "started", kSecond)) << "given up with its node";
    EXPECT_TRUE(chain.ends(TaskState::failed, kLostWithNode, kSecond));
    EXPECT_TRUE(chain.ends(TaskState::rejected, kNoLongerFits, kSecond));
  }
  EXPECT_TRUE(chain.fails_after(kSecond)) << "the first that counts";
  EXPECT_TRUE(chain.ends(TaskState::shutdown, "shutdown", kSecond)) << "a move does not forget it";
  EXPECT_FALSE(chain.fails_after(kSecond));
}

TEST(RestartAttempts, the_last_task_says_that_it_is_the_last) {
  Chain chain(1, {}, {});
  chain.fails_after(kSecond);
  Task task = chain.task();
  task.status.err = "task: non-zero exit (1)";
  EXPECT_EQ(error_of(task), "task: non-zero exit (1)") << "it runs";
  task.status.state = TaskState::failed;
  EXPECT_EQ(error_of(task), "task: non-zero exit (1); restart attempts are used up (1 of 1)");
  task.status.err.clear();
  task.status.state = TaskState::complete;
  EXPECT_EQ(error_of(task), "restart attempts are used up (1 of 1)");
  task.status.state = TaskState::shutdown;
  EXPECT_EQ(error_of(task), "");
}

TEST(RestartAttempts, whom_the_condition_does_not_restart_has_no_attempts_to_use_up) {
  Chain chain(1, {}, {});
  chain.fails_after(kSecond);
  Task task = chain.task();
  task.status.state = TaskState::complete;
  auto templ = std::make_shared<TaskTemplate>(*task.templ);
  templ->spec.restart->condition = RestartCondition::on_failure;
  task.templ = templ;
  EXPECT_FALSE(may_restart(task));
  EXPECT_EQ(error_of(task), "");
}

}  // namespace
}  // namespace swarm::model
