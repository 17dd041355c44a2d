// Sockets of the name server: its doors in a task's namespace, questions to other servers. All of them are
// non-blocking.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/result.hpp"
#include "net/dns/wire.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

inline constexpr std::uint16_t kDnsPort = 53;

// Of either family.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = sizeof(sockaddr_storage);

  static SocketAddress of(const Address& address);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

// Where a task finds its name server: 127.0.0.11, in its own namespace.
Result<Fd> open_door(const netlink::NetSpace& space, dns::Transport transport);

// A socket that is connected to the server, or is on its way there; `space` null: in the caller's namespace.
// Not valid: it cannot be.
Fd dial_server(const Address& server, dns::Transport transport, const netlink::NetSpace* space);

}  // namespace swarm::real
