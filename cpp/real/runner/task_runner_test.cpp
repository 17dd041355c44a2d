// What executors share: the choice, stages, stop rules, output, directories. Executors are made up here.
#include "real/runner/task_runner.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/runner/executor.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

// Runs nothing: the test says what happens to a task, and sees what was asked.
class MadeUp final : public Executor {
 public:
  struct Inside {  // what the test sees and says; outlives the executor
    Emit emit;
    std::map<RunId, Work> started;
    std::map<RunId, std::pair<Fd, Fd>> mouths;  // the task's ends: output, errors
    std::vector<std::pair<RunId, int>> signals;
    std::vector<RunId> killed;
    std::string refuses;
    RunId run() const { return started.rbegin()->first; }
  };
  MadeUp(std::string runtime, std::shared_ptr<Inside> inside)
      : runtime_(std::move(runtime)), inside_(std::move(inside)) {}
  static MakeExecutor maker(const std::string& runtime, const std::shared_ptr<Inside>& inside) {
    return [=](ExecutorTools tools) {
      inside->emit = std::move(tools.emit);
      return std::make_unique<MadeUp>(runtime, inside);
    };
  }
  std::string name() const override { return "made-up-" + runtime_; }
  bool takes(const ports::Launch& launch) const override { return launch.runtime == runtime_; }
  Result<void> check(const Work&) override {
    return inside_->refuses.empty() ? Result<void>() : plain_error(Code::unknown, inside_->refuses);
  }
  Result<void> prepare(const Work&) override { return {}; }
  Result<Pipes> start(const Work& work) override {
    if (work.launch.name == "cannot") return plain_error(Code::internal, "out of everything");
    int out[2], err[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err, O_CLOEXEC), 0);
    inside_->started.emplace(work.run, work);
    inside_->mouths[work.run] = {Fd(out[1]), Fd(err[1])};
    return Pipes{Fd(out[0]), Fd(err[0])};
  }
  void signal(RunId run, int number) override { inside_->signals.emplace_back(run, number); }
  void kill(RunId run) override { inside_->killed.push_back(run); }
  std::optional<ports::Usage> usage(RunId) override { return ports::Usage{{}, {}, 42, 1}; }
  std::vector<std::string> warnings(const model::ServiceSpec&, const model::ServiceSpec*) override {
    return {"a word of " + name()};
  }

 private:
  std::string runtime_;
  std::shared_ptr<Inside> inside_;
};

class TaskRunnerTest : public testing::Test {
 protected:
  TaskRunnerTest() {
    char name[] = "/tmp/task_runner_XXXXXX";
    root_ = ::mkdtemp(name);
    TaskRunner::Options options;
    options.data_root = root_;
    options.executors = {MadeUp::maker("wasm", wasm_), MadeUp::maker("container", box_)};
    auto opened = TaskRunner::open(reactor_, std::move(options),
                                   [this](ports::Event event) { events_.push_back(std::move(event)); });
    runner_ = std::move(*opened);
  }
  ~TaskRunnerTest() override {
    runner_.reset();
    std::filesystem::remove_all(root_);
  }
  static ports::Launch launch(std::uint64_t id, const std::string& runtime = "container") {
    ports::Launch out;
    out.task = TaskId(id);
    out.runtime = runtime;
    out.container.edit().image = "alpine";
    return out;
  }
  // Prepared and handed to its executor.
  RunId start(std::uint64_t id) {
    runner_->prepare(launch(id));
    runner_->start(TaskId(id));
    const std::size_t before = box_->started.size();
    EXPECT_TRUE(run_until(reactor_, [&] { return box_->started.size() > before; }));
    return box_->run();
  }
  RunId running(std::uint64_t id) {
    const RunId run = start(id);
    box_->emit(Started{run, 77});
    return run;
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& event : events_)
      if (const T* found = std::get_if<T>(&event)) out.push_back(*found);
    return out;
  }
  std::string directory(std::uint64_t id) const { return root_ + "/tasks/" + TaskId(id).str(); }

  Reactor reactor_;
  std::vector<ports::Event> events_;
  std::string root_;
  std::shared_ptr<MadeUp::Inside> wasm_ = std::make_shared<MadeUp::Inside>();
  std::shared_ptr<MadeUp::Inside> box_ = std::make_shared<MadeUp::Inside>();
  std::unique_ptr<TaskRunner> runner_;
};

TEST_F(TaskRunnerTest, AnExecutorGetsTheTasksThatItTakes) {
  EXPECT_EQ(runner_->executors(), (std::vector<std::string>{"made-up-wasm", "made-up-container"}));
  start(1);
  runner_->prepare(launch(2, "wasm"));
  runner_->start(TaskId(2));
  ASSERT_TRUE(run_until(reactor_, [&] { return !wasm_->started.empty(); }));
  EXPECT_EQ(box_->started.begin()->second.launch.task, TaskId(1));
  EXPECT_EQ(wasm_->started.begin()->second.launch.task, TaskId(2));
  EXPECT_EQ(box_->started.size() + wasm_->started.size(), 2U);
}

TEST_F(TaskRunnerTest, ATaskThatNoExecutorTakesIsRefusedWithWhatThereIs) {
  runner_->prepare(launch(1, "plugin"));
  ASSERT_EQ(all<ports::TaskPrepared>().size(), 1U);
  EXPECT_EQ(all<ports::TaskPrepared>()[0].error,
            "this node has no executor for tasks of runtime \"plugin\"; its executors are: made-up-wasm, "
            "made-up-container. Constrain the service to nodes that have one");
  EXPECT_FALSE(std::filesystem::exists(directory(1)));
  runner_->start(TaskId(1));
  EXPECT_EQ(all<ports::TaskStarted>()[0].error, "the task is not prepared");
}

TEST_F(TaskRunnerTest, WarningsComeFromTheExecutorThatWouldRunTheSpec) {
  model::ServiceSpec spec;
  EXPECT_EQ(runner_->warnings(spec, nullptr), std::vector<std::string>{"a word of made-up-container"});
  spec.task.runtime = "wasm";
  EXPECT_EQ(runner_->warnings(spec, nullptr), std::vector<std::string>{"a word of made-up-wasm"});
}

TEST_F(TaskRunnerTest, WhatAnExecutorRefusesIsNotPreparedAndLeavesNothing) {
  box_->refuses = "no such user";
  runner_->prepare(launch(1));
  EXPECT_EQ(all<ports::TaskPrepared>()[0].error, "no such user");
  EXPECT_FALSE(std::filesystem::exists(directory(1)));
}

TEST_F(TaskRunnerTest, AnExecutorGetsATaskThatIsReadyToRun) {
  start(1);
  const Work& work = box_->started.begin()->second;
  EXPECT_EQ(work.command, std::vector<std::string>{"/bin/sh"});
  EXPECT_TRUE(std::filesystem::exists(work.home()));
  EXPECT_TRUE(work.address.starts_with("127."));
  EXPECT_EQ(work.container_id.size(), 64U);
}

TEST_F(TaskRunnerTest, AStopIsASignalThenAKillAfterTheGrace) {
  const RunId run = running(1);
  runner_->stop(TaskId(1), Duration::millis(30), 0);
  using Signals = std::vector<std::pair<RunId, int>>;
  EXPECT_EQ(box_->signals, (Signals{{run, SIGTERM}}));
  ASSERT_TRUE(run_until(reactor_, [&] { return box_->signals.size() > 1; }));
  EXPECT_EQ(box_->signals, (Signals{{run, SIGTERM}, {run, SIGKILL}}));
  box_->emit(Ended{run, 137});
  EXPECT_EQ(all<ports::TaskExited>()[0].exit_code, 137);
}

TEST_F(TaskRunnerTest, AStopDuringTheStartIsKeptUntilTheTaskRuns) {
  const RunId run = start(1);
  runner_->stop(TaskId(1), Duration::seconds(9), SIGQUIT);
  EXPECT_TRUE(box_->signals.empty());
  box_->emit(Started{run, 77});
  ASSERT_EQ(box_->signals.size(), 1U);
  EXPECT_EQ(box_->signals[0].second, SIGQUIT);
}

TEST_F(TaskRunnerTest, AStopOfATaskThatCannotStartIsAnsweredToo) {
  const RunId run = start(1);
  runner_->stop(TaskId(1), Duration::seconds(9), 0);
  box_->emit(StartFailed{run, "no such program"});
  EXPECT_EQ(all<ports::TaskStarted>()[0].error, "no such program");
  ASSERT_EQ(all<ports::TaskExited>().size(), 1U);
  box_->emit(Ended{run, 137});
  EXPECT_EQ(all<ports::TaskExited>().size(), 1U) << "said once";
}

TEST_F(TaskRunnerTest, AnExecutorThatCannotStartATaskSaysWhyAtOnce) {
  auto one = launch(1);
  one.name = "cannot";
  runner_->prepare(one);
  runner_->start(TaskId(1));
  ASSERT_TRUE(run_until(reactor_, [&] { return !all<ports::TaskStarted>().empty(); }));
  EXPECT_EQ(all<ports::TaskStarted>()[0].error, "out of everything");
}

TEST_F(TaskRunnerTest, WhatATaskSaidBeforeItsEndIsReadBeforeTheEndIsSaid) {
  const RunId run = running(1);
  wire::LogOptions follow;
  follow.follow = true;
  const auto stream = runner_->open_logs(TaskId(1), follow);
  ASSERT_EQ(::write(box_->mouths[run].first.get(), "last words", 10), 10);
  box_->emit(Ended{run, 3});
  std::string said;
  bool ended = false;
  for (const auto& log : all<ports::TaskLog>()) {
    EXPECT_EQ(log.stream, stream);
    for (const auto& line : log.lines) said += line.text;
    ended |= log.end;
  }
  EXPECT_EQ(said, "last words");
  EXPECT_TRUE(ended);
}

TEST_F(TaskRunnerTest, ARemovedTaskIsKilledAndItsDirectoryGoesOnceNothingOfItIsLeft) {
  const RunId run = running(1);
  events_.clear();
  runner_->remove(TaskId(1));
  EXPECT_EQ(box_->killed, std::vector<RunId>{run});
  bool turned = false;
  reactor_.post([&] { turned = true; });
  ASSERT_TRUE(run_until(reactor_, [&] { return turned; }));
  EXPECT_TRUE(std::filesystem::exists(directory(1)));
  box_->emit(Ended{run, 137});
  EXPECT_TRUE(run_until(reactor_, [&] { return !std::filesystem::exists(directory(1)); }));
  EXPECT_TRUE(all<ports::TaskExited>().empty()) << "nobody asks about it any more";
}

TEST_F(TaskRunnerTest, TheEndOfARemovedRunIsNotTheEndOfTheNextOne) {
  const RunId first = running(1);
  runner_->remove(TaskId(1));
  const RunId second = running(1);
  box_->emit(Ended{first, 137});
  bool turned = false;
  reactor_.post([&] { turned = true; });
  ASSERT_TRUE(run_until(reactor_, [&] { return turned; }));
  EXPECT_TRUE(std::filesystem::exists(directory(1))) << "it is the second run's";
  EXPECT_TRUE(all<ports::TaskExited>().empty());
  box_->emit(Ended{second, 5});
  EXPECT_EQ(all<ports::TaskExited>().at(0).exit_code, 5);
}

TEST_F(TaskRunnerTest, ATaskThatIsRemovedDuringItsStartIsKilledWhenItRuns) {
  const RunId run = start(1);
  runner_->remove(TaskId(1));
  EXPECT_TRUE(box_->killed.empty());
  box_->emit(Started{run, 77});
  EXPECT_EQ(box_->killed, std::vector<RunId>{run});
  EXPECT_TRUE(all<ports::TaskStarted>().empty());
}

TEST_F(TaskRunnerTest, UsageIsAskedOfTheExecutorWhileTheTaskRuns) {
  const RunId run = start(1);
  EXPECT_FALSE(runner_->usage(TaskId(1)));
  box_->emit(Started{run, 77});
  ASSERT_TRUE(runner_->usage(TaskId(1)));
  EXPECT_EQ(runner_->usage(TaskId(1))->memory_bytes, 42);
  box_->emit(Ended{run, 0});
  EXPECT_FALSE(runner_->usage(TaskId(1)));
}

}  // namespace
}  // namespace swarm::real
