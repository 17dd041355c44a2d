#include "real/netlink/net_space.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/result.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/socket.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::netlink {
namespace {

constexpr int kLoopback = 1;  // its index in every namespace

Error failure(const std::string& what) {
  const Code code = errno == EPERM ? Code::permission_denied : Code::unavailable;
  return plain_error(code, "cannot " + what + ": the kernel says: " + std::strerror(errno));
}

Fd open_current() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

// Brings the thread home, whatever happens. A thread that is lost in another namespace must not go on.
class Home {
 public:
  Home() : fd_(open_current()) {}
  ~Home() {
    if (left_) SWARM_CHECK(enter(fd_.get()), "a thread cannot return from a network namespace:", errno);
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  bool known() const { return fd_.valid(); }
  void left() { left_ = true; }

 private:
  Fd fd_;
  bool left_ = false;
};

}  // namespace

bool enter(int fd) { return ::setns(fd, CLONE_NEWNET) == 0; }

Result<NetSpace> NetSpace::current() {
  Fd fd = open_current();
  if (!fd.valid()) return failure("open this thread's network namespace");
  return NetSpace(std::move(fd));
}

Result<NetSpace> NetSpace::make() {
  Home home;
  if (!home.known()) return failure("open this thread's network namespace");
  if (::unshare(CLONE_NEWNET) != 0) return failure("make a network namespace");
  home.left();
  auto space = current();
  auto socket = Socket::open(NETLINK_ROUTE);
  if (!space || !socket) return space ? socket.error() : space.error();
  if (auto up = socket->ask(set_up("lo", kLoopback)); !up) return up.error();
  return space;
}

Result<NetSpace> NetSpace::share() const {
  Fd fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return failure("hold a network namespace twice");
  return NetSpace(std::move(fd));
}

Result<void> NetSpace::run_in(const std::function<Result<void>()>& what) const {
  Home home;
  if (!home.known()) return failure("open this thread's network namespace");
  if (!enter(fd_.get())) return failure("enter a network namespace");
  home.left();
  return what();
}

Result<Socket> NetSpace::open_socket(int protocol) const {
  Result<Socket> socket = plain_error(Code::internal, "no socket was asked for");
  const auto entered = run_in([&]() -> Result<void> {
    socket = Socket::open(protocol);
    return {};
  });
  if (!entered) return entered.error();
  return socket;
}

// ---- the pool

Result<NetSpace> Pool::take() {
  if (warm_.empty()) return NetSpace::make();
  NetSpace space = std::move(warm_.back());
  warm_.pop_back();
  return space;
}

Result<void> Pool::refill() {
  while (warm_.size() < size_) {
    auto made = NetSpace::make();
    if (!made) return made.error();
    warm_.push_back(std::move(*made));
  }
  return {};
}

}  // namespace swarm::real::netlink
