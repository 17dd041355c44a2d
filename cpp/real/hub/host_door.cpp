#include "real/hub/host_door.hpp"

#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/passed_fds.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kLargestText = 256;

Error failure(const std::string& what) {
  return plain_error(Code::unavailable, "cannot " + what + ": the kernel says: " + std::strerror(errno));
}

void answer(int parent, const std::string& text) {
  const auto at = Address::parse(text);
  if (!at) return (void)send_with_fds(parent, text + " is no address", {});
  const Fd made = listen_on(*at);
  if (made.valid()) return (void)send_with_fds(parent, "ok", {made.get()});
  (void)send_with_fds(parent, std::strerror(errno), {});
}

// Keeps nothing of what the hub has: not its lease, and not the pipe whose end tells that it did not start.
[[noreturn]] void serve_as_child(int parent) {
  ::dup2(parent, STDERR_FILENO + 1);
  ::close_range(STDERR_FILENO + 2, ~0U, 0);
  while (const auto request = receive_with_fds(STDERR_FILENO + 1, kLargestText))
    answer(STDERR_FILENO + 1, request->text);
  ::_exit(0);
}

}  // namespace

Result<HostDoor> HostDoor::open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return failure("make a socket");
  Fd ours(ends[0]), childs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return failure("start a process");
  if (child == 0) serve_as_child(childs.get());
  return HostDoor(std::move(ours), child);
}

HostDoor::~HostDoor() {
  if (!socket_.valid()) return;
  socket_.reset();
  ::waitpid(child_, nullptr, 0);
}

Result<Fd> HostDoor::listen(const Address& at) {
  if (!send_with_fds(socket_.get(), at.str(), {})) return failure("ask the host's door");
  auto answer = receive_with_fds(socket_.get(), kLargestText);
  if (!answer) return plain_error(Code::unavailable, "the host's door is closed");
  if (answer->fds.empty()) return plain_error(Code::unavailable, answer->text);
  return std::move(answer->fds.front());
}

}  // namespace swarm::real
