#include "real/mesh/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace swarm::real::relay {
namespace {

socklen_t fill(const Address& address, sockaddr_storage& out) {
  if (address.is_v4() || address.is_unspecified()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    if (address.is_v4()) std::memcpy(&v4.sin_addr, address.ip.data() + 12, 4);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.ip.data(), 16);
  return sizeof v6;
}

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

Fd stream_socket(int family) { return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

}  // namespace

void Socket::note(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) hung_up = true;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) can_read = true;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) can_write = true;
}

std::ptrdiff_t Socket::read(char* to, std::size_t most) {
  while (true) {
    const auto count = ::recv(fd.get(), to, most, 0);
    // A short read has emptied the socket: what comes later gives a new edge.
    if (count > 0 && static_cast<std::size_t>(count) < most && !hung_up) can_read = false;
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    can_read = false;
    return failed();
  }
}

std::ptrdiff_t Socket::write(const char* from, std::size_t count) {
  while (true) {
    const auto sent = ::send(fd.get(), from, count, MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) < count) can_write = false;
    if (sent >= 0) return sent;
    if (errno == EINTR) continue;
    can_write = false;
    return failed();
  }
}

// Linux: a reset that comes after the end is EPIPE, any other ECONNRESET.
std::ptrdiff_t Socket::failed() {
  if (errno == EAGAIN) return kLater;
  if (errno == EPIPE) ended_first = true;
  return kBroken;
}

bool Socket::has_more() const {
  char first = 0;
  return ::recv(fd.get(), &first, 1, MSG_PEEK) > 0;
}

void Socket::shut_writing() { ::shutdown(fd.get(), SHUT_WR); }

void Socket::reset() {
  if (!fd.valid()) return;
  const linger at_once{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd = Fd();
}

Fd listen_on(const Address& address) {
  sockaddr_storage name{};
  const socklen_t size = fill(address, name);
  Fd fd = stream_socket(name.ss_family);
  if (!fd.valid()) return fd;
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0 && ::listen(fd.get(), 4096) == 0)
    return fd;
  const int why = errno;
  fd = Fd();
  errno = why;
  return fd;
}

Dialled dial(const Address& to, const Address& source) {
  sockaddr_storage name{}, from{};
  const socklen_t size = fill(to, name);
  Dialled out;
  out.fd = stream_socket(name.ss_family);
  out.refused = !out.fd.valid();
  if (out.refused) return out;
  if (!source.is_unspecified() && source.is_v4() == to.is_v4()) {
    Address any_port = source;
    any_port.port = 0;
    set(out.fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    (void)::bind(out.fd.get(), reinterpret_cast<sockaddr*>(&from), fill(any_port, from));
  }
  out.connected = ::connect(out.fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0;
  out.refused = !out.connected && errno != EINPROGRESS;
  if (!out.refused) tune(out.fd.get());
  return out;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void tune(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void tune_link(int fd) {
  tune(fd);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
}

Address peer_of(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  Address out;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return out;
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    const auto* b = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    return Address::v4(b[0], b[1], b[2], b[3], ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
  std::memcpy(out.ip.data(), &v6.sin6_addr, 16);
  out.port = ntohs(v6.sin6_port);
  return out;
}

}  // namespace swarm::real::relay
