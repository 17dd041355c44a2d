// Tasks that have a network namespace of their own: what their processes see of the machine, and what they
// may do.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "model/container_spec.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/netlink/net_space.hpp"
#include "real/process/process_executor.hpp"
#include "real/runner/task_networks.hpp"
#include "real/runner/task_runner.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

// Gives each task a namespace at once.
class TestNetworks final : public TaskNetworks {
 public:
  void open(const ports::Launch&, Ready ready) override {
    auto space = netlink::NetSpace::make();
    ASSERT_TRUE(space.ok());
    ready(TaskNetwork{Fd(space->release()), "nameserver 127.0.0.11\n"});
  }
  void close(TaskId task) override { closed.push_back(task); }
  std::vector<TaskId> closed;
};

class TaskRoomTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make a namespace of mounts without one of users";
    if (const auto can = netlink::NetSpace::make(); !can) GTEST_SKIP() << can.error().message;
    char name[] = "/tmp/task_room_XXXXXX";
    base_ = ::mkdtemp(name);
    root_ = base_ + "/root";
    std::filesystem::create_directory(root_);
    std::ofstream(root_ + "/secret") << "a node's key";
    make({root_, {base_ + "/api.sock"}});
  }
  ~TaskRoomTest() override {
    runner_.reset();
    if (!base_.empty()) std::filesystem::remove_all(base_);
  }
  void make(ProcessExecutor::Hidden hidden) {
    runner_.reset();
    TaskRunner::Options options;
    options.data_root = root_;
    options.web_program = "/bin/true";
    options.executors = {ProcessExecutor::maker("/proc/self/exe", std::move(hidden))};
    options.networks = &networks_;
    auto opened = TaskRunner::open(reactor_, options,
                                   [this](ports::Event event) { events_.push_back(std::move(event)); });
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    runner_ = std::move(*opened);
  }
  template <class T>
  const T* of(TaskId task) const {
    for (const auto& event : events_)
      if (const T* found = std::get_if<T>(&event); found != nullptr && found->task == task) return found;
    return nullptr;
  }
  void start(std::uint64_t id, const std::string& script) {
    ports::Launch launch;
    launch.task = TaskId(id);
    launch.name = "web.1.x";
    launch.overlay_address = "10.0.1.3";
    launch.container.edit().image = "alpine";
    launch.container.edit().hostname = "web-host";
    launch.container.edit().args = {"sh", "-c", script};
    runner_->prepare(launch);
    runner_->start(launch.task);
  }
  // What the script printed.
  std::string run(const std::string& script) {
    const TaskId task(++last_);
    start(last_, script);
    if (!run_until(reactor_, [&] { return of<ports::TaskExited>(task) != nullptr; })) return "does not end";
    const auto stream = runner_->open_logs(task, {});
    std::string out;
    bool ended = false;
    run_until(reactor_, [&] {
      for (const auto& event : std::exchange(events_, {}))
        if (const auto* log = std::get_if<ports::TaskLog>(&event); log != nullptr && log->stream == stream) {
          for (const auto& line : log->lines) out += line.text + "\n";
          ended |= log->end;
        }
      return ended;
    });
    return out;
  }
  // As /proc/PID/status shows it.
  std::uint64_t rights(const std::string& which) {
    return std::stoull(run("sed -n 's/^" + which + ":\t*//p' /proc/self/status"), nullptr, 16);
  }

  Reactor reactor_;
  TestNetworks networks_;
  std::vector<ports::Event> events_;
  std::unique_ptr<TaskRunner> runner_;
  std::string base_, root_;
  std::uint64_t last_ = 0;
};

std::uint64_t bit(int right) { return std::uint64_t{1} << right; }

TEST_F(TaskRoomTest, ATaskSeesItsOwnFolderOfTheDataRootAndNothingElse) {
  run("true");  // another task's folder is there, too
  EXPECT_EQ(run("ls " + root_ + "; ls " + root_ + "/tasks; pwd"),
            "tasks\n" + TaskId(2).str() + "\n" + root_ + "/tasks/" + TaskId(2).str() + "/work\n");
  EXPECT_EQ(run("cat " + root_ + "/secret 2>/dev/null || echo hidden"), "hidden\n");
  EXPECT_EQ(run("echo mine > kept; cat kept"), "mine\n") << "its folder is its own";
  EXPECT_EQ(run("touch " + root_ + "/new 2>/dev/null || echo refused"), "refused\n");
  EXPECT_TRUE(std::filesystem::exists(root_ + "/secret")) << "for others it is there";
}

TEST_F(TaskRoomTest, ATaskDoesNotReachTheApi) {
  const std::string path = base_ + "/api.sock";
  const Fd door(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  ASSERT_EQ(::bind(door.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(run("test -S " + path + " && echo a socket || echo none"), "none\n");
}

TEST_F(TaskRoomTest, ATaskHasItsOwnNamesAndItsOwnNetwork) {
  EXPECT_EQ(run("cat /etc/resolv.conf"), "nameserver 127.0.0.11\n");
  EXPECT_EQ(run("tail -n 1 /etc/hosts"), "10.0.1.3\tweb-host\n");
  EXPECT_EQ(run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"), "lo\n");
  std::string ours;
  std::getline(std::ifstream("/etc/resolv.conf"), ours);
  EXPECT_NE(ours, "nameserver 127.0.0.11") << "this machine has kept its own";
}

TEST_F(TaskRoomTest, RootInATaskHasTheRightsOfAContainer) {
  const std::uint64_t most =
      bit(CAP_SYS_ADMIN) | bit(CAP_NET_ADMIN) | bit(CAP_SYS_PTRACE) | bit(CAP_SYS_MODULE);
  for (const char* which : {"CapEff", "CapPrm", "CapBnd", "CapInh"})
    EXPECT_EQ(rights(which) & most, 0U) << which;
  EXPECT_NE(rights("CapEff") & bit(CAP_CHOWN), 0U);
}

// What this process would hand down to programs, in CapInh.
void hand_down(std::uint64_t rights) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  ASSERT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
  data[0].inheritable = static_cast<std::uint32_t>(rights);
  data[1].inheritable = static_cast<std::uint32_t>(rights >> 32);
  ASSERT_EQ(::syscall(SYS_capset, &header, data.data()), 0);
}

TEST_F(TaskRoomTest, ADaemonThatWasHandedRightsDownDoesNotHandThemOn) {
  hand_down(bit(CAP_SYS_ADMIN) | bit(CAP_NET_ADMIN));
  const std::uint64_t has = rights("CapEff");
  hand_down(0);
  EXPECT_EQ(has & (bit(CAP_SYS_ADMIN) | bit(CAP_NET_ADMIN)), 0U);
}

TEST_F(TaskRoomTest, RootInATaskEntersNoOtherNamespaceAndMountsNothing) {
  EXPECT_EQ(run("nsenter --net=/proc/1/ns/net true 2>/dev/null && echo entered || echo refused"),
            "refused\n");
  EXPECT_EQ(run("unshare -n true 2>/dev/null && echo made || echo refused"), "refused\n");
  EXPECT_EQ(run("umount " + root_ + " 2>/dev/null && echo seen || echo refused"), "refused\n");
}

TEST_F(TaskRoomTest, AFolderThatCannotBeHiddenIsSaid) {
  make({base_ + "/nowhere", {}});
  start(50, "true");
  ASSERT_TRUE(run_until(reactor_, [&] { return of<ports::TaskStarted>(TaskId(50)) != nullptr; }));
  EXPECT_EQ(of<ports::TaskStarted>(TaskId(50))->error,
            "the daemon's files cannot be hidden from it: No such file or directory");
  EXPECT_FALSE(networks_.closed.empty()) << "its network is given back";
}

TEST_F(TaskRoomTest, ATaskWithoutItsNetworksDoesNotStart) {
  TaskRunner::Options options;
  runner_.reset();
  options.data_root = root_;
  options.web_program = "/bin/true";
  options.executors = {ProcessExecutor::maker("/proc/self/exe", {root_, {}})};
  runner_ = std::move(*TaskRunner::open(reactor_, options,
                                        [this](ports::Event event) { events_.push_back(std::move(event)); }));
  start(50, "true");
  ASSERT_TRUE(run_until(reactor_, [&] { return of<ports::TaskStarted>(TaskId(50)) != nullptr; }));
  EXPECT_EQ(of<ports::TaskStarted>(TaskId(50))->error, "this node carries no overlay networks");
}

}  // namespace
}  // namespace swarm::real
