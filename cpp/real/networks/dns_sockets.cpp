#include "real/networks/dns_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/wire.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr int kBacklog = 64;

int type_of(dns::Transport transport) { return transport == dns::Transport::udp ? SOCK_DGRAM : SOCK_STREAM; }

Result<void> failure(const char* what) {
  return plain_error(Code::unavailable, std::string("the name server of a task cannot ") + what +
                                            " 127.0.0.11:53 in its namespace: " + std::strerror(errno));
}

Fd dial_here(const Address& server, dns::Transport transport) {
  const SocketAddress to = SocketAddress::of(server);
  Fd fd(::socket(to.bytes.ss_family, type_of(transport) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.valid() && ::connect(fd.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) fd.reset();
  return fd;
}

}  // namespace

SocketAddress SocketAddress::of(const Address& address) {
  SocketAddress out;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data() + 12, 4);
    std::memcpy(&out.bytes, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.data(), 16);
    std::memcpy(&out.bytes, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

Result<Fd> open_door(const netlink::NetSpace& space, dns::Transport transport) {
  Fd fd;
  const auto opened = space.run_in([&]() -> Result<void> {
    fd = Fd(::socket(AF_INET, type_of(transport) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) return failure("make a socket for");
    const SocketAddress at = SocketAddress::of(*Address::parse(dns::kServerOfTasks, kDnsPort));
    const int one = 1;  // connections of an earlier door that have ended do not hold its port
    if (transport == dns::Transport::tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (::bind(fd.get(), at.get(), at.size) != 0) return failure("take");
    if (transport == dns::Transport::tcp && ::listen(fd.get(), kBacklog) != 0) return failure("listen at");
    return {};
  });
  if (!opened) return opened.error();
  return fd;
}

Fd dial_server(const Address& server, dns::Transport transport, const netlink::NetSpace* space) {
  if (space == nullptr) return dial_here(server, transport);
  Fd fd;
  (void)space->run_in([&]() -> Result<void> {
    fd = dial_here(server, transport);
    return {};
  });
  return fd;
}

}  // namespace swarm::real
