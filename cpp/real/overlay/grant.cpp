#include "real/overlay/grant.hpp"

#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/nat_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {
namespace {

constexpr std::uint32_t kMtu = 1450;

// One of each kind that an overlay is made of.
Result<void> try_all() {
  auto space = netlink::NetSpace::make();
  if (!space) return space.error();
  auto links = space->open_socket(NETLINK_ROUTE);
  if (!links) return links.error();
  auto bridge = links->ask(netlink::make_bridge({"trial-bridge", 10, kMtu, 0}));
  if (!bridge) return bridge;
  auto vxlan = links->ask(netlink::make_vxlan({"trial-vxlan", 11, 10, 1, kVxlanPort, kMtu, 0, space->fd()}));
  if (!vxlan) return vxlan;
  auto tables = space->open_socket(NETLINK_NETFILTER);
  if (!tables) return tables.error();
  const netlink::Backends backends{Address::v4(10, 0, 0, 2)};
  return netlink::make_vip_table(*tables, {{Address::v4(10, 0, 0, 3), &backends, false}});
}

// In a child, which has one thread as a user namespace wants it: system calls only, on what was made before.
// Returns 0, or an errno.
int try_as_child(const std::vector<std::string>& messages) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return errno;
  const int fd = ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  for (const std::string& message : messages) {
    char answer[4096];
    if (::send(fd, message.data(), message.size(), 0) < 0) return errno;
    const ssize_t got = ::recv(fd, answer, sizeof answer, 0);
    if (got < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) return EPROTO;
    nlmsgerr outcome{};
    std::memcpy(&outcome, answer + sizeof(nlmsghdr), sizeof outcome);
    if (outcome.error != 0) return -outcome.error;
  }
  return 0;
}

int try_in_user_namespace() {
  netlink::Request bridge = netlink::make_bridge({"trial-bridge", 10, kMtu, 0});
  netlink::Request vxlan = netlink::make_vxlan({"trial-vxlan", 11, 0, 1, kVxlanPort, kMtu, 0, -1});
  std::vector<std::string> messages;
  for (netlink::Request* request : {&bridge, &vxlan}) {
    request->message.add_flags(NLM_F_ACK);
    messages.push_back(request->message.finished());
  }
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(try_as_child(messages));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPROTO;
}

}  // namespace

Granted overlay_grant() {
  const Result<void> tried = try_all();
  if (tried) return {Grant::all, "by this machine's kernel (VXLAN)"};
  const int error = try_in_user_namespace();
  if (error == 0)
    return {Grant::in_user_namespace, "none: they need a user namespace of their own here (without one: " +
                                          tried.error().message + ")"};
  return {Grant::none, "none: this machine grants none: " + tried.error().message +
                           "; in a user namespace: " + std::strerror(error)};
}

}  // namespace swarm::real
