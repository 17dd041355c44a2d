#include "real/stream/sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/address.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

socklen_t fill(const Address& address, sockaddr_storage& out, Any any = Any::v4) {
  if (address.is_v4() || (any == Any::v4 && address.is_unspecified())) {
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

Address address_of(const sockaddr_storage& name) {
  Address out;
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    const auto* b = reinterpret_cast<const std::uint8_t*>(&v4.sin_addr);
    return Address::v4(b[0], b[1], b[2], b[3], ntohs(v4.sin_port));
  }
  if (name.ss_family != AF_INET6) return out;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
  std::memcpy(out.ip.data(), &v6.sin6_addr, 16);
  out.port = ntohs(v6.sin6_port);
  return out;
}

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

Fd stream_socket(int family) { return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

Dialled failed(int error) {
  Dialled out;
  out.error = error;
  return out;
}

}  // namespace

Fd listen_on(const Address& address, Any any) {
  sockaddr_storage name{};
  const socklen_t size = fill(address, name, any);
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

Accepted accept_from(int listener) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  Accepted out;
  out.fd = Fd(::accept4(listener, reinterpret_cast<sockaddr*>(&name), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (out.fd.valid()) {
    out.from = address_of(name);
  } else if (errno != EAGAIN) {
    out.error = errno;
  }
  return out;
}

bool is_out_of_means(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Dialled dial(const Address& to, const Address& source) {
  sockaddr_storage name{}, from{};
  const socklen_t size = fill(to, name);
  Dialled out;
  out.fd = stream_socket(name.ss_family);
  if (!out.fd.valid()) return failed(errno);
  if (!source.is_unspecified() && source.is_v4() == to.is_v4()) {
    Address any_port = source;
    any_port.port = 0;
    set(out.fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (::bind(out.fd.get(), reinterpret_cast<sockaddr*>(&from), fill(any_port, from)) != 0)
      return failed(errno);
  }
  out.connected = ::connect(out.fd.get(), reinterpret_cast<sockaddr*>(&name), size) == 0;
  if (!out.connected && errno != EINPROGRESS) return failed(errno);
  tune(out.fd.get());
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

Address own_address(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? address_of(name) : Address();
}

Address peer_address(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? address_of(name) : Address();
}

}  // namespace swarm::real
