#include "real/netlink/node_table.hpp"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/nft_words.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {
namespace {

const std::string kTable = "swarmpy";
const std::string kPeers = "peers";
constexpr std::uint32_t kPeersNumber = 1;  // of the set, in its transaction
constexpr std::uint32_t kSource = 12;      // offset in the IPv4 header
constexpr std::uint32_t kDestinationPort = 2;
constexpr std::uint32_t kFilter = 0, kSourceNat = 100;  // NF_IP_PRI_FILTER, NF_IP_PRI_NAT_SRC
constexpr std::size_t kElementsAtOnce = 500;            // a list is one attribute, 64 KiB at most

Message table(std::uint16_t type, std::uint16_t flags) {
  Message message = nft(type, flags);
  message.text(NFTA_TABLE_NAME, kTable);
  return message;
}

// A rule being written, expression by expression, as nft prints it.
class Rule {
 public:
  explicit Rule(const std::string& chain) : rule_(nft(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)) {
    rule_.text(NFTA_RULE_TABLE, kTable).text(NFTA_RULE_CHAIN, chain).open(NFTA_RULE_EXPRESSIONS);
  }
  Rule& meta(std::uint32_t key) {
    open_expression(rule_, "meta").big32(NFTA_META_DREG, NFT_REG_1).big32(NFTA_META_KEY, key);
    return end();
  }
  Rule& payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length) {
    open_expression(rule_, "payload").big32(NFTA_PAYLOAD_DREG, NFT_REG_1).big32(NFTA_PAYLOAD_BASE, base);
    rule_.big32(NFTA_PAYLOAD_OFFSET, offset).big32(NFTA_PAYLOAD_LEN, length);
    return end();
  }
  Rule& compare(std::uint32_t how, std::string_view bytes) {
    open_expression(rule_, "cmp").big32(NFTA_CMP_SREG, NFT_REG_1).big32(NFTA_CMP_OP, how);
    rule_.open(NFTA_CMP_DATA).bytes(NFTA_DATA_VALUE, bytes).close();
    return end();
  }
  Rule& mask(std::string_view bits) {
    open_expression(rule_, "bitwise").big32(NFTA_BITWISE_SREG, NFT_REG_1).big32(NFTA_BITWISE_DREG, NFT_REG_1);
    rule_.big32(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(bits.size()));
    rule_.open(NFTA_BITWISE_MASK).bytes(NFTA_DATA_VALUE, bits).close();
    rule_.open(NFTA_BITWISE_XOR).bytes(NFTA_DATA_VALUE, std::string(bits.size(), '\0')).close();
    return end();
  }
  Rule& not_a_peer() {
    open_expression(rule_, "lookup").text(NFTA_LOOKUP_SET, kPeers).big32(NFTA_LOOKUP_SREG, NFT_REG_1);
    rule_.big32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    return end();
  }
  Message drop() {
    open_expression(rule_, "immediate").big32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    rule_.open(NFTA_IMMEDIATE_DATA).open(NFTA_DATA_VERDICT).big32(NFTA_VERDICT_CODE, NF_DROP).close().close();
    return finished();
  }
  Message masquerade() {
    open_expression(rule_, "masq");
    return finished();
  }

 private:
  Rule& end() {
    close_expression(rule_);
    return *this;
  }
  Message finished() {
    close_expression(rule_);
    rule_.close();
    return std::move(rule_);
  }
  Message rule_;
};

Message make_chain(const std::string& name, const std::string& type, std::uint32_t hook,
                   std::uint32_t priority) {
  Message chain = nft(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  chain.text(NFTA_CHAIN_TABLE, kTable).text(NFTA_CHAIN_NAME, name).open(NFTA_CHAIN_HOOK);
  chain.big32(NFTA_HOOK_HOOKNUM, hook)
      .big32(NFTA_HOOK_PRIORITY, priority)
      .close()
      .text(NFTA_CHAIN_TYPE, type);
  return chain;
}

Message make_set() {
  Message set = nft(NFT_MSG_NEWSET, NLM_F_CREATE);
  set.text(NFTA_SET_TABLE, kTable).text(NFTA_SET_NAME, kPeers).big32(NFTA_SET_ID, kPeersNumber);
  set.big32(NFTA_SET_FLAGS, 0).big32(NFTA_SET_KEY_TYPE, kNftTypeAddress).big32(NFTA_SET_KEY_LEN, 4);
  return set;
}

void fill_set(const std::vector<Address>& peers, std::vector<Message>& messages) {
  for (std::size_t at = 0; at < peers.size(); at += kElementsAtOnce) {
    messages.push_back(nft(NFT_MSG_NEWSETELEM, NLM_F_CREATE));
    Message& elements = messages.back();
    elements.text(NFTA_SET_ELEM_LIST_TABLE, kTable).text(NFTA_SET_ELEM_LIST_SET, kPeers);
    elements.big32(NFTA_SET_ELEM_LIST_SET_ID, kPeersNumber).open(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (std::size_t i = at; i < std::min(peers.size(), at + kElementsAtOnce); ++i)
      elements.open(NFTA_LIST_ELEM)
          .open(NFTA_SET_ELEM_KEY)
          .bytes(NFTA_DATA_VALUE, bytes_of(peers[i]))
          .close()
          .close();
    elements.close();
  }
}

std::string interface_bytes(const std::string& name) {
  std::string out = name;
  out.resize(IFNAMSIZ);
  return out;
}

std::string port_bytes(std::uint16_t port) {
  return {static_cast<char>(port >> 8U), static_cast<char>(port & 0xffU)};
}

std::string prefix_bytes(std::uint8_t bits) {
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32U - bits);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(mask >> static_cast<unsigned>(shift));
  return out;
}

// udp dport PORT. Fragments were put together before: a table with a nat chain tracks connections.
Rule& to_vxlan(Rule& rule, std::uint16_t port) {
  rule.meta(NFT_META_L4PROTO).compare(NFT_CMP_EQ, std::string(1, static_cast<char>(IPPROTO_UDP)));
  rule.payload(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, 2);
  return rule.compare(NFT_CMP_EQ, port_bytes(port));
}

Message strangers_frames(std::uint16_t port) {
  Rule rule("input");
  to_vxlan(rule, port);
  return rule.payload(NFT_PAYLOAD_NETWORK_HEADER, kSource, 4).not_a_peer().drop();
}

void add_way_out(const NodeTable::WayOut& way, std::uint16_t port, std::vector<Message>& messages) {
  const std::string bridge = interface_bytes(way.bridge);
  messages.push_back(Rule("input").meta(NFT_META_IIFNAME).compare(NFT_CMP_EQ, bridge).drop());
  messages.push_back(make_chain("forward", "filter", NF_INET_FORWARD, kFilter));
  Rule between("forward");
  between.meta(NFT_META_IIFNAME).compare(NFT_CMP_EQ, bridge).meta(NFT_META_OIFNAME);
  messages.push_back(between.compare(NFT_CMP_EQ, bridge).drop());
  Rule frames("forward");
  frames.meta(NFT_META_IIFNAME).compare(NFT_CMP_EQ, bridge);
  messages.push_back(to_vxlan(frames, port).drop());
  messages.push_back(make_chain("postrouting", "nat", NF_INET_POST_ROUTING, kSourceNat));
  Rule rule("postrouting");
  rule.payload(NFT_PAYLOAD_NETWORK_HEADER, kSource, 4).mask(prefix_bytes(way.subnet.bits));
  rule.compare(NFT_CMP_EQ, bytes_of(way.subnet.first)).meta(NFT_META_OIFNAME).compare(NFT_CMP_NEQ, bridge);
  messages.push_back(rule.masquerade());
}

void remove_table(std::vector<Message>& messages) {
  messages.push_back(table(NFT_MSG_NEWTABLE, NLM_F_CREATE));  // so that there is one to remove
  messages.push_back(table(NFT_MSG_DELTABLE, 0));
}

}  // namespace

Result<void> set_node_table(Socket& socket, const NodeTable& wanted) {
  std::vector<Message> messages;
  remove_table(messages);
  messages.push_back(table(NFT_MSG_NEWTABLE, NLM_F_CREATE));
  messages.push_back(make_set());
  fill_set(wanted.peers, messages);
  messages.push_back(make_chain("input", "filter", NF_INET_LOCAL_IN, kFilter));
  messages.push_back(strangers_frames(wanted.vxlan_port));
  if (wanted.way_out) add_way_out(*wanted.way_out, wanted.vxlan_port, messages);
  return socket.commit("make the node's table of " + std::to_string(wanted.peers.size()) + " peers",
                       std::move(messages));
}

Result<void> remove_node_table(Socket& socket) {
  std::vector<Message> messages;
  remove_table(messages);
  return socket.commit("remove the node's table", std::move(messages));
}

}  // namespace swarm::real::netlink
