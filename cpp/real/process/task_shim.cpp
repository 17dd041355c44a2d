#include "real/process/task_shim.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "real/process/task_room.hpp"

namespace swarm::real {
namespace {

constexpr mode_t kTaskMask = 0022;  // as in a container (runc), whatever the daemon's is

// One line, whatever is in it: a command may have newlines in its name.
void tell(std::string line) {
  for (char& c : line)
    if (c == '\n') c = ' ';
  line += '\n';
  [[maybe_unused]] const auto sent = ::write(kControlFd, line.data(), line.size());
}

// `number`: why the program was not run, or, below zero, why its working directory was not entered.
std::string why_not(const char* directory, const char* program, int number) {
  if (std::string why = why_no_room(number); !why.empty()) return why;
  if (number < 0)
    return std::string("the working directory ") + directory +
           " cannot be entered: " + std::strerror(-number);
  if (number == E2BIG) return "its arguments and its environment are longer together than this machine takes";
  const std::string name = std::string("exec: \"") + program + "\": ";
  if (number != ENOENT) return name + std::strerror(number);
  if (std::strchr(program, '/') == nullptr) return name + "executable file not found in $PATH";
  const std::string path = program[0] == '/' ? program : std::string(directory) + "/" + program;
  const bool there = ::access(path.c_str(), F_OK) == 0;
  return name + (there ? "the interpreter that it names is not there"
                       : "stat " + path + ": no such file or directory");
}

struct Task {
  const char* room;  // its folder; null: it has none (task_room.hpp)
  const char* directory;
  char** command;
};

// The task's first process, between fork and exec.
[[noreturn]] void become_task(const Task& it, int error_fd, pid_t shim) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(kTaskMask);
  const int no_room = it.room != nullptr ? enter_room(it.room) : 0;
  ::dup2(error_fd, kControlFd);  // the lowest free number: everything above it is closed
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  ::close_range(kControlFd + 1, ~0U, 0);
  if (::getppid() != shim) ::_exit(1);
  const bool entered = no_room == 0 && ::chdir(it.directory) == 0;
  if (entered) ::execvp(it.command[0], it.command);
  const int number = no_room != 0 ? no_room : entered ? errno : -errno;
  [[maybe_unused]] const auto sent = ::write(kControlFd, &number, sizeof number);
  ::_exit(127);
}

pid_t start(const Task& it) {
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) return -1;
  const pid_t shim = ::getpid();
  const pid_t task = ::fork();
  if (task == 0) become_task(it, error_pipe[1], shim);
  ::close(error_pipe[1]);
  int number = task < 0 ? errno : 0;
  // Ends without a word when exec has closed the other side.
  const auto heard =
      task < 0 ? static_cast<ssize_t>(sizeof number) : ::read(error_pipe[0], &number, sizeof number);
  ::close(error_pipe[0]);
  if (heard <= 0) return task;
  tell("failed " + why_not(it.directory, it.command[0], number));
  if (task > 0) ::waitpid(task, nullptr, 0);
  return -1;
}

// Orphans of the tree become the shim's children, since it is their reaper: kill and reap until there are
// none. The kernel's list may miss one while others end, so no wait is for a child that was not killed.
void kill_tree(pid_t group) {
  const pid_t self = ::getpid();
  const std::string list = "/proc/" + std::to_string(self) + "/task/" + std::to_string(self) + "/children";
  if (group > 0) ::kill(-group, SIGKILL);
  while (true) {
    std::ifstream children(list);
    for (pid_t child = 0; children >> child;) ::kill(child, SIGKILL);
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) return;
    ::poll(nullptr, 0, 1);
  }
}

// Reaps what has ended; true when the task's first process was among it. That one stays a zombie until its
// group is killed: no other process can have its number meanwhile.
bool reap(pid_t task, int& code) {
  while (true) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return false;
    if (ended.si_pid == task) {
      code = ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
      return true;
    }
    ::waitpid(ended.si_pid, nullptr, WNOHANG);
  }
}

// False when the daemon is gone.
bool pass_signals(pid_t task) {
  unsigned char numbers[64];
  const auto count = ::read(kControlFd, numbers, sizeof numbers);
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return false;
  for (ssize_t i = 0; i < count; ++i) ::kill(-task, numbers[i]);
  return true;
}

[[noreturn]] void supervise(pid_t task, int signals) {
  pollfd watched[] = {{kControlFd, POLLIN, 0}, {signals, POLLIN, 0}};
  int code = 0;
  while (true) {
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) ::abort();
    if (watched[1].revents != 0) {
      signalfd_siginfo info;
      while (::read(signals, &info, sizeof info) > 0) {
      }
      if (reap(task, code)) break;
    }
    if (watched[0].revents != 0 && !pass_signals(task)) break;
  }
  kill_tree(task);
  tell("exited " + std::to_string(code));
  ::_exit(0);
}

}  // namespace

bool run_as_shim(int argc, char** argv) {
  if (argc < 4) return false;
  const bool has_room = argc > 4 && std::strcmp(argv[1], kRoomFlag) == 0;
  if (!has_room && std::strcmp(argv[1], kShimFlag) != 0) return false;
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "swarm-shim");
  // Nothing but the end of its daemon or of its task, or SIGKILL, ends a shim.
  sigset_t all, child;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int signals = ::signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  const pid_t task = start(has_room ? Task{argv[2], argv[3], argv + 4} : Task{nullptr, argv[2], argv + 3});
  if (has_room) ::close(kSpaceFd);
  // The pipes of the task's output end with the tree, not with the shim.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  if (task < 0) ::_exit(0);
  tell("started " + std::to_string(task));
  supervise(task, signals);
}

}  // namespace swarm::real
