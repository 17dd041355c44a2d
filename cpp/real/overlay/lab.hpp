// For tests and measurements: two nodes as two network namespaces joined by a veth, and sockets in any
// namespace. All of it is made here; the namespace of the caller is never touched. As root, or in a user
// namespace (`unshare -Urn`).
#pragma once

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/rows.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/kernel_overlay.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

inline Address lab_node(std::uint64_t node) {
  return Address::v4(10, 214, 0, static_cast<std::uint8_t>(node));
}

// ---- sockets in a namespace

inline sockaddr_in sockaddr_of(const Address& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  std::memcpy(&out.sin_addr, address.ip.data() + 12, 4);
  return out;
}

inline Fd tcp_socket(int patience_millis = 2'000) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{patience_millis / 1'000, patience_millis % 1'000 * 1'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

inline Fd listen_in(const netlink::NetSpace& space, const Address& address, std::uint16_t port) {
  Fd fd;
  (void)space.run_in([&]() -> Result<void> {
    fd = tcp_socket();
    const int one = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const sockaddr_in at = sockaddr_of(address, port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(fd.get(), 64) != 0)
      fd.reset();
    return {};
  });
  return fd;
}

struct Connected {
  Fd fd;
  int error = 0;
};
inline Connected connect_in(const netlink::NetSpace& space, const Address& address, std::uint16_t port,
                            int patience_millis = 2'000) {
  Connected out;
  (void)space.run_in([&]() -> Result<void> {
    out.fd = tcp_socket(patience_millis);
    return {};
  });
  const sockaddr_in to = sockaddr_of(address, port);
  if (::connect(out.fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) out.error = errno;
  return out;
}

// The calling thread, and the threads that it begins, are in a namespace of their own while this lives.
class InOwnSpace {
 public:
  InOwnSpace() {
    auto before = netlink::NetSpace::current();
    auto own = netlink::NetSpace::make();
    if (!before || !own) {
      why_ = (before ? own : before).error().message;
      return;
    }
    before_ = std::move(*before);
    own_ = std::move(*own);
    netlink::enter(own_.fd());
  }
  ~InOwnSpace() {
    if (before_.valid()) netlink::enter(before_.fd());
  }
  InOwnSpace(const InOwnSpace&) = delete;
  InOwnSpace& operator=(const InOwnSpace&) = delete;
  const std::string& why_not() const { return why_; }  // "": it is
  const netlink::NetSpace& space() const { return own_; }

 private:
  netlink::NetSpace before_, own_;
  std::string why_;
};

// ---- two nodes

class Lab {
 public:
  // Nothing, and why, where the machine does not allow it.
  static Result<std::unique_ptr<Lab>> make() {
    auto lab = std::unique_ptr<Lab>(new Lab);
    for (netlink::NetSpace& node : lab->nodes_) {
      auto space = netlink::NetSpace::make();
      if (!space) return space.error();
      node = std::move(*space);
    }
    if (auto joined = lab->join(); !joined) return joined.error();
    for (std::uint64_t i = 0; i < 2; ++i) {
      KernelOverlay::Options options;
      options.node = std::move(*lab->nodes_[i].share());
      auto opened = KernelOverlay::open(std::move(options));
      if (!opened) return opened.error();
      lab->kernels_[i] = std::move(*opened);
      lab->keepers_[i].set_self(NodeId(i + 1));
    }
    return lab;
  }

  // What the kernels of both nodes could not do.
  std::vector<std::string> tell(const overlay::TableChange& change) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < 2; ++i) {
      keepers_[i].on(change);
      for (const Error& error : kernels_[i]->apply(keepers_[i].take_difference()))
        out.push_back(error.message);
    }
    return out;
  }
  std::vector<std::string> repair() {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < 2; ++i)
      for (const Error& error : kernels_[i]->repair(keepers_[i].desired())) out.push_back(error.message);
    return out;
  }

  KernelOverlay& kernel(std::uint64_t node) { return *kernels_[node - 1]; }
  overlay::Keeper& keeper(std::uint64_t node) { return keepers_[node - 1]; }
  const netlink::NetSpace& node(std::uint64_t node) { return nodes_[node - 1]; }
  void end(std::uint64_t node) { kernels_[node - 1].reset(); }
  netlink::NetSpace space(std::uint64_t node, std::uint64_t task) {
    auto space = kernel(node).space_of(TaskId(task));
    return space ? std::move(*space) : netlink::NetSpace();
  }

 private:
  Lab() = default;
  Result<void> join() {
    constexpr int kUplink = 50;
    netlink::Veth veth;
    veth.outside = veth.inside = "uplink";
    veth.outside_index = veth.inside_index = kUplink;
    veth.inside_mac = {2, 0, 0, 0, 0, 2};
    veth.mtu = 1500;
    veth.space = nodes_[1].fd();
    for (std::uint64_t i = 0; i < 2; ++i) {
      auto socket = nodes_[i].open_socket(NETLINK_ROUTE);
      if (!socket) return socket.error();
      if (i == 0)
        if (auto made = socket->ask(netlink::make_veth(veth)); !made) return made;
      if (auto up = socket->ask(netlink::set_up("uplink", kUplink)); !up) return up;
      if (auto set = socket->ask(netlink::add_address("uplink", kUplink, lab_node(i + 1), 24)); !set)
        return set;
    }
    return {};
  }

  netlink::NetSpace nodes_[2];
  overlay::Keeper keepers_[2];
  std::unique_ptr<KernelOverlay> kernels_[2];
};

}  // namespace swarm::real
