#include "real/netlink/flows.hpp"

#include <fcntl.h>
#include <linux/in.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/nft_words.hpp"
#include "real/netlink/socket.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::netlink {
namespace {

// Which attributes of a tuple a filter asks for (net/netfilter/nf_internals.h).
constexpr std::uint32_t kSource = 1U << 0U, kDestination = 1U << 1U, kProtocol = 1U << 3U;
constexpr const char* kSynTimeout = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_syn_sent";
constexpr const char* kSynSeconds = "3";

Message conntrack(std::uint16_t type) {
  nfgenmsg header{};
  header.nfgen_family = AF_INET;
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8U) | type), 0);
  message.fixed(header);
  return message;
}

}  // namespace

Result<void> forget_udp_flows(Socket& socket, const Address& vip, const Address& backend) {
  Message message = conntrack(IPCTNL_MSG_CT_DELETE);
  message.open(CTA_TUPLE_ORIG).open(CTA_TUPLE_IP).bytes(CTA_IP_V4_DST, bytes_of(vip)).close();
  message.open(CTA_TUPLE_PROTO).number(CTA_PROTO_NUM, static_cast<std::uint8_t>(IPPROTO_UDP)).close().close();
  message.open(CTA_TUPLE_REPLY).open(CTA_TUPLE_IP).bytes(CTA_IP_V4_SRC, bytes_of(backend)).close().close();
  message.open(CTA_FILTER).number(CTA_FILTER_ORIG_FLAGS, kDestination | kProtocol);
  message.number(CTA_FILTER_REPLY_FLAGS, kSource).close();
  return socket.ask({"forget flows to " + backend.host(), std::move(message), EINVAL});
}

void set_syn_patience(const NetSpace& space) {
  (void)space.run_in([]() -> Result<void> {
    const Fd file(::open(kSynTimeout, O_WRONLY | O_CLOEXEC));
    if (file.valid()) (void)!::write(file.get(), kSynSeconds, 1);
    return {};
  });
}

}  // namespace swarm::real::netlink
