#include "real/netlink/socket.hpp"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "real/netlink/message.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::netlink {
namespace {

constexpr std::size_t kAtOnce = 64;  // acknowledgements that surely fit the socket's buffer
constexpr std::size_t kLargestDatagram = 64 * 1024;

Error failure(const std::string& what, int error, const std::string& words = {}) {
  const Code code = error == EPERM || error == EACCES    ? Code::permission_denied
                    : error == EEXIST                    ? Code::already_exists
                    : error == ENOENT || error == ENODEV ? Code::not_found
                                                         : Code::unavailable;
  std::string said = std::strerror(error);
  if (!words.empty()) said += " (" + words + ")";
  return plain_error(code, "cannot " + what + ": the kernel says: " + said);
}

// The kernel's own words about an error (NETLINK_EXT_ACK); they follow the header that it was about.
std::string words_of(const nlmsghdr& header, std::string_view body) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const auto about = read_fixed<nlmsgerr>(body);
  std::size_t skip = sizeof(nlmsgerr);
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0)
    skip += about.msg.nlmsg_len - std::min<std::size_t>(about.msg.nlmsg_len, sizeof(nlmsghdr));
  return skip < body.size() ? Attributes(body.substr(skip)).text(NLMSGERR_ATTR_MSG) : std::string();
}

struct Part {
  nlmsghdr header;
  std::string_view body;
};
std::vector<Part> parts_of(std::string_view datagram) {
  std::vector<Part> parts;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    const auto header = read_fixed<nlmsghdr>(datagram);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > datagram.size()) break;
    parts.push_back({header, datagram.substr(sizeof header, header.nlmsg_len - sizeof header)});
    datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return parts;
}

// An error's or an acknowledgement's number: 0 is success.
int error_in(const Part& part) { return -read_fixed<nlmsgerr>(part.body).error; }

}  // namespace

Result<Socket> Socket::open(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return failure("open a netlink socket", errno);
  const int one = 1;
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  const int buffer = 1 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  return Socket(std::move(fd));
}

Result<void> Socket::send(const std::string& bytes, const std::string& what) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const auto* to = reinterpret_cast<const sockaddr*>(&kernel);
  if (::sendto(fd_.get(), bytes.data(), bytes.size(), 0, to, sizeof kernel) < 0) return failure(what, errno);
  return {};
}

std::optional<std::string> Socket::receive() {
  std::string datagram(kLargestDatagram, '\0');
  ssize_t got = 0;
  do {
    got = ::recv(fd_.get(), datagram.data(), datagram.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return std::nullopt;
  datagram.resize(static_cast<std::size_t>(got));
  return datagram;
}

// ---- requests

std::vector<Result<void>> Socket::ask(std::vector<Request> requests) {
  std::vector<Result<void>> outcomes;
  for (std::size_t at = 0; at < requests.size(); at += kAtOnce) {
    auto some = ask_some(requests, at, std::min(requests.size(), at + kAtOnce));
    std::move(some.begin(), some.end(), std::back_inserter(outcomes));
  }
  return outcomes;
}

Result<void> Socket::ask(Request request) {
  std::vector<Request> one;
  one.push_back(std::move(request));
  return ask(std::move(one)).front();
}

std::vector<Result<void>> Socket::ask_some(std::vector<Request>& requests, std::size_t from, std::size_t to) {
  const std::uint32_t first = sequence_ + 1;
  std::string bytes;
  for (std::size_t i = from; i < to; ++i) {
    requests[i].message.add_flags(NLM_F_ACK);
    requests[i].message.set_sequence(++sequence_);
    bytes += requests[i].message.finished();
  }
  std::vector<Result<void>> outcomes(to - from);
  if (auto sent = send(bytes, requests[from].what); !sent) {
    std::fill(outcomes.begin(), outcomes.end(), sent);
    return outcomes;
  }
  for (std::size_t left = to - from; left > 0;) {
    const auto datagram = receive();
    if (!datagram) return std::vector<Result<void>>(to - from, failure(requests[from].what, errno));
    for (const Part& part : parts_of(*datagram)) {
      const std::size_t at = part.header.nlmsg_seq - first;
      if (part.header.nlmsg_type != NLMSG_ERROR || at >= outcomes.size()) continue;
      --left;
      const Request& request = requests[from + at];
      const int error = error_in(part);
      if (error != 0 && error != request.harmless)
        outcomes[at] = failure(request.what, error, words_of(part.header, part.body));
    }
  }
  return outcomes;
}

// ---- questions

Result<std::vector<Reply>> Socket::dump(const std::string& what, Message message) {
  message.add_flags(NLM_F_DUMP);
  message.set_sequence(++sequence_);
  if (auto sent = send(message.finished(), what); !sent) return sent.error();
  return collect(what, sequence_, true);
}

Result<Reply> Socket::get(const std::string& what, Message message) {
  message.set_sequence(++sequence_);
  if (auto sent = send(message.finished(), what); !sent) return sent.error();
  auto replies = collect(what, sequence_, false);
  if (!replies) return replies.error();
  if (replies->empty()) return failure(what, ENODATA);
  return std::move(replies->front());
}

Result<std::vector<Reply>> Socket::collect(const std::string& what, std::uint32_t sequence, bool many) {
  std::vector<Reply> replies;
  while (true) {
    const auto datagram = receive();
    if (!datagram) return failure(what, errno);
    for (const Part& part : parts_of(*datagram)) {
      if (part.header.nlmsg_seq != sequence) continue;  // of a question that was given up
      if (part.header.nlmsg_type == NLMSG_DONE) return replies;
      if (part.header.nlmsg_type == NLMSG_ERROR && error_in(part) != 0)
        return failure(what, error_in(part), words_of(part.header, part.body));
      if (part.header.nlmsg_type == NLMSG_ERROR) return replies;
      replies.push_back({part.header.nlmsg_type, std::string(part.body)});
    }
    if (!many && !replies.empty()) return replies;
  }
}

// Asking whether there is a link settles it (ethtool_op_get_link, linkwatch_sync_dev). The answer does not
// matter.
void Socket::settle_link(const std::string& name) {
  ethtool_value question{};
  question.cmd = ETHTOOL_GLINK;
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&question);
  ::ioctl(fd_.get(), SIOCETHTOOL, &request);
}

// ---- transactions

// The kernel acknowledges the last message; of those before it only errors are told. When it refuses the
// whole (no permission), it tells that as an error of the first one.
Result<void> Socket::commit(const std::string& what, std::vector<Message> messages) {
  nfgenmsg begin{};
  begin.res_id = 0x0A00;  // NFNL_SUBSYS_NFTABLES (10), in the network's order
  const std::uint32_t first = ++sequence_;
  Message begins(NFNL_MSG_BATCH_BEGIN, 0), ends(NFNL_MSG_BATCH_END, 0);
  begins.fixed(begin).set_sequence(first);
  ends.fixed(begin);
  std::string bytes = begins.finished();
  for (Message& message : messages) {
    message.set_sequence(++sequence_);
    if (&message == &messages.back()) message.add_flags(NLM_F_ACK);
    bytes += message.finished();
  }
  ends.set_sequence(sequence_ + 1);
  bytes += ends.finished();
  if (auto sent = send(bytes, what); !sent) return sent;
  return end_of_transaction(what, first, sequence_++);
}

Result<void> Socket::end_of_transaction(const std::string& what, std::uint32_t first, std::uint32_t last) {
  Result<void> outcome;
  while (true) {
    const auto datagram = receive();
    if (!datagram) return failure(what, errno);
    for (const Part& part : parts_of(*datagram)) {
      if (part.header.nlmsg_type != NLMSG_ERROR || part.header.nlmsg_seq - first > last - first + 1) continue;
      const int error = error_in(part);
      if (error != 0 && outcome.ok()) outcome = failure(what, error, words_of(part.header, part.body));
      if (part.header.nlmsg_seq == last || part.header.nlmsg_seq == first) return outcome;
    }
  }
}

}  // namespace swarm::real::netlink
