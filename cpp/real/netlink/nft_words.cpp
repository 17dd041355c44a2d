#include "real/netlink/nft_words.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "real/netlink/message.hpp"

namespace swarm::real::netlink {

Message nft(std::uint16_t type, std::uint16_t flags) {
  nfgenmsg header{};
  header.nfgen_family = AF_INET;
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type), flags);
  message.fixed(header);
  return message;
}

std::string_view bytes_of(const Address& address) {
  return std::string_view(reinterpret_cast<const char*>(address.ip.data()), address.ip.size()).substr(12);
}

Message& open_expression(Message& message, const std::string& name) {
  return message.open(NFTA_LIST_ELEM).text(NFTA_EXPR_NAME, name).open(NFTA_EXPR_DATA);
}
void close_expression(Message& message) { message.close().close(); }

}  // namespace swarm::real::netlink
