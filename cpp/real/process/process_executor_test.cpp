// Tasks as processes, through TaskRunner.
#include "real/process/process_executor.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/process/task_launch.hpp"
#include "real/process/task_shim.hpp"
#include "real/runner/program.hpp"
#include "real/runner/task_runner.hpp"

namespace swarm::real {
namespace {

// This test program is its own shim: before main, as swarmd does it.
__attribute__((constructor)) void shim_first(int argc, char** argv, char**) { run_as_shim(argc, argv); }

class ProcessExecutorTest : public testing::Test {
 protected:
  ProcessExecutorTest() {
    char name[] = "/tmp/runner_test_XXXXXX";
    root_ = ::mkdtemp(name);
    open();
  }
  ~ProcessExecutorTest() override {
    runner_.reset();
    std::filesystem::remove_all(root_);
  }
  void open() {
    runner_.reset();
    TaskRunner::Options options;
    options.data_root = root_;
    options.web_program = "/bin/true";
    options.executors = {ProcessExecutor::maker()};
    auto opened = TaskRunner::open(reactor_, options,
                                   [this](ports::Event event) { events_.push_back(std::move(event)); });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    runner_ = std::move(*opened);
  }
  ports::Launch shell(std::uint64_t id, const std::string& script) {
    ports::Launch launch;
    launch.task = TaskId(id);
    launch.name = "web.1.x";
    launch.service_name = "web";
    launch.slot = 3;
    launch.node_hostname = "m1";
    launch.container.edit().image = "alpine";
    launch.container.edit().args = {"sh", "-c", script};
    return launch;
  }
  void run(const ports::Launch& launch) {
    runner_->prepare(launch);
    runner_->start(launch.task);
  }
  template <class T>
  const T* of(TaskId task) const {
    for (const auto& event : events_)
      if (const T* found = std::get_if<T>(&event); found != nullptr && found->task == task) return found;
    return nullptr;
  }
  bool until(const std::function<bool()>& done) { return run_until(reactor_, done); }
  std::string logs(TaskId task, wire::LogOptions options = {}) {
    const auto stream = runner_->open_logs(task, options);
    std::string out;
    bool ended = false;
    until([&] {
      for (const auto& event : events_)
        if (const auto* log = std::get_if<ports::TaskLog>(&event)) ended |= log->stream == stream && log->end;
      return ended;
    });
    for (const auto& event : events_)
      if (const auto* log = std::get_if<ports::TaskLog>(&event); log != nullptr && log->stream == stream)
        for (const auto& line : log->lines) out += (line.err ? "e:" : "o:") + line.text + " ";
    return out;
  }
  static bool lives(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    return (stat >> number >> name >> state) && state != "Z";
  }
  pid_t pid_in(const std::string& file) {
    pid_t pid = 0;
    until([&] { return static_cast<bool>(std::ifstream(root_ + "/" + file) >> pid); });
    return pid;
  }

  Reactor reactor_;
  std::vector<ports::Event> events_;
  std::unique_ptr<TaskRunner> runner_;
  std::string root_;
};

TEST_F(ProcessExecutorTest, TellsHowATaskEndedAndWhatItSaid) {
  run(shell(1, "echo out; echo err >&2; printf partial; exit 7"));
  run(shell(2, "kill -9 $$"));
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)) && of<ports::TaskExited>(TaskId(2)); }));
  EXPECT_EQ(of<ports::TaskExited>(TaskId(1))->exit_code, 7);
  EXPECT_EQ(of<ports::TaskExited>(TaskId(2))->exit_code, 137);
  EXPECT_EQ(of<ports::TaskStarted>(TaskId(1))->container_id.size(), 64U);
  wire::LogOptions out_only;
  out_only.err = false;
  EXPECT_EQ(logs(TaskId(1), out_only), "o:out o:partial ");
  out_only.tail = 1;
  EXPECT_EQ(logs(TaskId(1), out_only), "o:partial ");
  runner_->remove(TaskId(1));
  EXPECT_TRUE(until([&] { return !std::filesystem::exists(root_ + "/tasks/" + TaskId(1).str()); }));
  EXPECT_EQ(logs(TaskId(1)), "");
}

TEST_F(ProcessExecutorTest, TellsATaskWhoAndWhereItIs) {
  auto launch = shell(
      1, "echo $SWARM_SERVICE_NAME $SWARM_TASK_SLOT $SWARM_NODE_HOSTNAME $SWARM_PORT_8080 $SWARM_TASK_IP $X");
  launch.target_ports = {8080};
  launch.container.edit().env = {"X=mine", "NODE"};
  run(launch);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  const std::string address = of<ports::TaskStarted>(TaskId(1))->address;
  EXPECT_TRUE(address.starts_with("127."));
  EXPECT_EQ(logs(TaskId(1)), "o:web 3 m1 8080 " + address + " mine ");
}

TEST_F(ProcessExecutorTest, RefusesAnUnknownImageAndAnUnknownProgram) {
  auto launch = shell(1, "");
  launch.container.edit().image = "nosuch/thing:1";
  runner_->prepare(launch);
  EXPECT_EQ(of<ports::TaskPrepared>(TaskId(1))->error, "No such image: nosuch/thing:1");
  launch = shell(2, "");
  launch.container.edit().args = {"no-such-program"};
  run(launch);
  ASSERT_TRUE(until([&] { return of<ports::TaskStarted>(TaskId(2)); }));
  EXPECT_EQ(of<ports::TaskStarted>(TaskId(2))->error,
            "exec: \"no-such-program\": executable file not found in $PATH");
}

TEST_F(ProcessExecutorTest, SurvivesACommandOfSeveralLines) {
  auto launch = shell(1, "");
  launch.container.edit().args = {"no\nsuch\nexited x"};
  run(launch);
  ASSERT_TRUE(until([&] { return of<ports::TaskStarted>(TaskId(1)); }));
  EXPECT_EQ(of<ports::TaskStarted>(TaskId(1))->error,
            "exec: \"no such exited x\": executable file not found in $PATH");
}

TEST_F(ProcessExecutorTest, StopsByRequestAndByForceAfterTheGrace) {
  run(shell(1, "trap 'exit 5' TERM; touch ../../ready1; while :; do sleep 0.01; done"));
  run(shell(2, "trap '' TERM; touch ../../ready2; while :; do sleep 0.01; done"));
  ASSERT_TRUE(until([&] {
    return std::filesystem::exists(root_ + "/tasks/ready1") &&
           std::filesystem::exists(root_ + "/tasks/ready2");
  }));
  const Instant asked = steady_now();
  runner_->stop(TaskId(1), Duration::seconds(20), 0);
  runner_->stop(TaskId(2), Duration::millis(200), 0);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)) && of<ports::TaskExited>(TaskId(2)); }));
  EXPECT_EQ(of<ports::TaskExited>(TaskId(1))->exit_code, 5);
  EXPECT_EQ(of<ports::TaskExited>(TaskId(2))->exit_code, 137);
  EXPECT_GE(steady_now() - asked, Duration::millis(200));
}

TEST_F(ProcessExecutorTest, AnswersAStopOfWhatNeverRan) {
  runner_->prepare(shell(1, "true"));
  runner_->stop(TaskId(1), Duration::seconds(1), 0);
  EXPECT_TRUE(of<ports::TaskExited>(TaskId(1)));
  runner_->stop(TaskId(9), Duration::seconds(1), 0);
  EXPECT_TRUE(of<ports::TaskExited>(TaskId(9)));
}

constexpr const char* kFamily =
    "(setsid sh -c 'echo $$ > ../../grandchild; sleep 1000 & wait' &) ; sleep 1000";

TEST_F(ProcessExecutorTest, LeavesNoGrandchildWhenATaskIsKilled) {
  run(shell(1, kFamily));
  const pid_t grandchild = pid_in("tasks/grandchild");
  ASSERT_TRUE(until([&] { return of<ports::TaskStarted>(TaskId(1)); }));
  ASSERT_TRUE(lives(grandchild));
  runner_->signal(TaskId(1), SIGKILL);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_EQ(of<ports::TaskExited>(TaskId(1))->exit_code, 137);
  EXPECT_FALSE(lives(grandchild));
}

TEST_F(ProcessExecutorTest, LeavesNoGrandchildWhenTheShimIsKilled) {
  run(shell(1, kFamily));
  const pid_t grandchild = pid_in("tasks/grandchild");
  ASSERT_TRUE(until([&] { return of<ports::TaskStarted>(TaskId(1)); }));
  std::ifstream stat("/proc/" + std::to_string(of<ports::TaskStarted>(TaskId(1))->pid) + "/stat");
  std::string number, name, state;
  pid_t shim = 0;
  stat >> number >> name >> state >> shim;
  ASSERT_NE(shim, ::getpid());
  ::kill(shim, SIGKILL);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_TRUE(until([&] { return !lives(grandchild); }));
}

TEST_F(ProcessExecutorTest, LeavesNothingWhenTheDaemonIsKilledAndWaitsForItInTheNextLife) {
  runner_.reset();  // its lock is wanted by the child
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    Reactor reactor;
    TaskRunner::Options options;
    options.data_root = root_;
    options.executors = {ProcessExecutor::maker()};
    auto runner = TaskRunner::open(reactor, options, [](const ports::Event&) {});
    (*runner)->prepare(shell(1, kFamily));
    (*runner)->start(TaskId(1));
    reactor.run();
    ::_exit(0);
  }
  const pid_t grandchild = pid_in("tasks/grandchild");
  ASSERT_TRUE(lives(grandchild));
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  open();
  EXPECT_FALSE(lives(grandchild));
}

TEST_F(ProcessExecutorTest, TakesAFloodAtItsOwnPaceAndNothingIsLost) {
  run(shell(1, "seq 200000"));
  run(shell(2, "yes"));
  const Instant before = steady_now();
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_GT(steady_now() - before, Duration::millis(100));
  wire::LogOptions last;
  last.tail = 1;
  EXPECT_EQ(logs(TaskId(1), last), "o:200000 ");
  std::uintmax_t kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(root_ + "/tasks/" + TaskId(2).str()))
    if (file.is_regular_file()) kept += file.file_size();
  EXPECT_LT(kept, 5U << 20);
}

TEST_F(ProcessExecutorTest, FollowsLogsUntilTheTaskEnds) {
  run(shell(1, "echo one; sleep 1000"));
  ASSERT_TRUE(until([&] { return of<ports::TaskStarted>(TaskId(1)); }));
  runner_->signal(TaskId(1), SIGTERM);
  wire::LogOptions follow;
  follow.follow = true;
  const auto stream = runner_->open_logs(TaskId(1), follow);
  ASSERT_TRUE(until([&] {
    const auto* log = events_.empty() ? nullptr : std::get_if<ports::TaskLog>(&events_.back());
    return log != nullptr && log->stream == stream && log->end;
  }));
  EXPECT_TRUE(of<ports::TaskExited>(TaskId(1)));
}

TEST_F(ProcessExecutorTest, MakesAWorkingDirectoryThatIsNotThereOrSaysWhyNot) {
  auto there = shell(1, "pwd");
  there.container.edit().dir = root_ + "/a/b";
  run(there);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_EQ(logs(TaskId(1)), "o:" + root_ + "/a/b ");
  auto impossible = shell(2, "pwd");
  impossible.container.edit().dir = "/etc/passwd/x";
  runner_->prepare(impossible);
  EXPECT_TRUE(of<ports::TaskPrepared>(TaskId(2))->error.starts_with(
      "the working directory /etc/passwd/x is not there: "))
      << of<ports::TaskPrepared>(TaskId(2))->error;
}

TEST_F(ProcessExecutorTest, ATasksHostnameIsItsContainersIdAndAGlobalOnesSlotItsNode) {
  auto launch = shell(1, "echo $HOSTNAME $SWARM_TASK_SLOT");
  launch.slot = 0;
  launch.node_id = NodeId(9);
  run(launch);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_EQ(logs(TaskId(1)), "o:" + of<ports::TaskStarted>(TaskId(1))->container_id.substr(0, 12) + " " +
                                 NodeId(9).str() + " ");
}

TEST_F(ProcessExecutorTest, IsStoppedByTheSignalThatIsAskedFor) {
  auto launch =
      shell(1, "trap 'exit 7' RTMIN+3; trap 'exit 8' QUIT; touch $HOME/up; while :; do sleep .01; done");
  launch.container.edit().stop_signal = "SIGRTMIN+3";
  launch.container.edit().args[0] = "bash";
  auto other = launch;
  other.task = TaskId(2);
  for (const auto& one : {launch, other}) {
    run(one);
    const std::string mark = root_ + "/tasks/" + one.task.str() + "/work/up";
    ASSERT_TRUE(until([&] { return std::filesystem::exists(mark); }));
  }
  runner_->stop(TaskId(1), Duration::seconds(20), 0);
  runner_->stop(TaskId(2), Duration::seconds(20), SIGQUIT);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)) && of<ports::TaskExited>(TaskId(2)); }));
  EXPECT_EQ(of<ports::TaskExited>(TaskId(1))->exit_code, 7);
  EXPECT_EQ(of<ports::TaskExited>(TaskId(2))->exit_code, 8);
}

TEST_F(ProcessExecutorTest, ATagThatNobodyMadeIsNoImage) {
  for (const auto& [image, text] : {std::pair{"nginx:nosuch", "No such image: nginx:nosuch"},
                                    {"alpine:3.99", "No such image: alpine:3.99"},
                                    {"nginx@sha256:00", "No such image: nginx@sha256:00"}}) {
    auto launch = shell(1, "true");
    launch.container.edit().image = image;
    events_.clear();
    runner_->prepare(launch);
    EXPECT_EQ(of<ports::TaskPrepared>(TaskId(1))->error, text);
  }
}

TEST_F(ProcessExecutorTest, KeepsImagesOfItsUsersOverARestart) {
  ASSERT_TRUE(runner_->add_image({"mine:1", {"/bin/sh", "-c", "echo \"tab\there\"; exit 4"}, false}).ok());
  EXPECT_FALSE(runner_->add_image({"bad", {"nosuchprogram"}, false}).ok());
  open();
  auto launch = shell(1, "");
  launch.container.edit().image = "mine:1";
  launch.container.edit().args = {};
  run(launch);
  ASSERT_TRUE(until([&] { return of<ports::TaskExited>(TaskId(1)); }));
  EXPECT_EQ(of<ports::TaskExited>(TaskId(1))->exit_code, 4);
  EXPECT_EQ(logs(TaskId(1)), "o:tab\there ");
}

TEST(Program, IsFoundAsAShellFindsIt) {
  EXPECT_TRUE(check_program("sh").ok());
  EXPECT_TRUE(check_program("/bin/sh").ok());
  EXPECT_EQ(check_program("nosuchprogram").error().message,
            "exec: \"nosuchprogram\": executable file not found in $PATH");
  EXPECT_EQ(check_program("/no/such").error().message, "exec: \"/no/such\": no such file or directory");
  EXPECT_EQ(check_program("/etc/passwd").error().message, "exec: \"/etc/passwd\": permission denied");
  EXPECT_EQ(check_program("/bin").error().message, "exec: \"/bin\": permission denied");
  EXPECT_FALSE(check_program("./sh").ok());
}

TEST(TaskLaunch, RefusesUsersAndMountsThatAreNotThere) {
  for (const char* user : {"", "root", "1000", "1000:1000", "nginx", "nobody:nogroup"})
    EXPECT_TRUE(check_user(user).ok()) << user;
  EXPECT_EQ(check_user("nosuchuser").error().message,
            "unable to find user nosuchuser: no matching entries in passwd file");
  EXPECT_EQ(check_user("root:nosuchgroup").error().message,
            "unable to find group nosuchgroup: no matching entries in group file");
  std::vector<model::Mount> mounts(1);
  mounts[0].type = "bind", mounts[0].source = "/nosuch", mounts[0].target = "/t";
  EXPECT_EQ(check_mounts(mounts).error().message,
            "invalid mount config for type \"bind\": bind source path does not exist: /nosuch");
  mounts[0].source = "/tmp";
  EXPECT_TRUE(check_mounts(mounts).ok());
  mounts[0].type = "volume", mounts[0].source = "v";
  EXPECT_TRUE(check_mounts(mounts).ok());
}

}  // namespace
}  // namespace swarm::real
