#include "real/netlink/nat_table.hpp"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

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
const std::string kMap = "vips";
const std::string kHook = "output";
constexpr std::uint32_t kTypeInteger = 4;  // nft's number, for a person who lists the table
constexpr std::uint32_t kTypeVerdict = NFT_DATA_VERDICT;
constexpr std::uint32_t kPriority = static_cast<std::uint32_t>(-100);  // NF_IP_PRI_NAT_DST
constexpr std::uint32_t kOffsetOfDestination = 16;                     // in the IPv4 header
constexpr std::uint8_t kHostUnreachable = 1;                           // ICMP's code
constexpr std::size_t kElementsAtOnce = 500;  // a list is one attribute, 64 KiB at most

std::string chain_of(const Address& vip) { return "v" + vip.host(); }

// One transaction being written.
class Batch {
 public:
  void remove_table() {
    // Made first, so that there is one to remove.
    messages_.push_back(nft(NFT_MSG_NEWTABLE, NLM_F_CREATE));
    messages_.back().text(NFTA_TABLE_NAME, kTable);
    messages_.push_back(nft(NFT_MSG_DELTABLE, 0));
    messages_.back().text(NFTA_TABLE_NAME, kTable);
  }
  void make_table() {
    messages_.push_back(nft(NFT_MSG_NEWTABLE, NLM_F_CREATE));
    messages_.back().text(NFTA_TABLE_NAME, kTable);
    make_map(kMap, NFT_SET_MAP, kNftTypeAddress, kTypeVerdict, 0);
    make_hook();
  }
  void set_vip(const VipEdit& edit);
  void remove_vip(const Address& vip);
  std::vector<Message> take() { return std::move(messages_); }

 private:
  Message& begin_rule(const std::string& chain);
  void make_chain(const std::string& name);
  void make_hook();
  std::uint32_t make_map(const std::string& name, std::uint32_t flags, std::uint32_t key, std::uint32_t value,
                         std::uint32_t size);
  void fill(std::uint32_t map, const Backends& backends);
  void rule_to(const std::string& chain, const Backends& backends);
  void rule_refusing(const std::string& chain);
  void clear(const std::string& chain);
  void vip_element(std::uint16_t type, std::uint16_t flags, const Address& vip, bool with_verdict);

  std::vector<Message> messages_;
  std::uint32_t maps_ = 0;
};

void Batch::make_chain(const std::string& name) {
  messages_.push_back(nft(NFT_MSG_NEWCHAIN, NLM_F_CREATE));
  messages_.back().text(NFTA_CHAIN_TABLE, kTable).text(NFTA_CHAIN_NAME, name);
}

// The chain that each new connection's first packet passes, and its one rule: ip daddr vmap @vips.
// The rule asks for the state first, and does nothing with it. A namespace tracks connections only while a
// rule needs that: without this one, the end of the last dnat rule would end the translation of connections
// that are made, and no packet would pass this chain.
void Batch::make_hook() {
  make_chain(kHook);
  Message& chain = messages_.back();
  chain.open(NFTA_CHAIN_HOOK)
      .big32(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT)
      .big32(NFTA_HOOK_PRIORITY, kPriority);
  chain.close().text(NFTA_CHAIN_TYPE, "nat");

  Message& rule = begin_rule(kHook);
  open_expression(rule, "ct").big32(NFTA_CT_DREG, NFT_REG_1).big32(NFTA_CT_KEY, NFT_CT_STATE);
  close_expression(rule);
  open_expression(rule, "payload").big32(NFTA_PAYLOAD_DREG, NFT_REG_1);
  rule.big32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER).big32(NFTA_PAYLOAD_OFFSET, kOffsetOfDestination);
  rule.big32(NFTA_PAYLOAD_LEN, 4);
  close_expression(rule);
  open_expression(rule, "lookup").text(NFTA_LOOKUP_SET, kMap).big32(NFTA_LOOKUP_SREG, NFT_REG_1);
  rule.big32(NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
  close_expression(rule);
  rule.close();
}

// To be closed, once its expressions are in.
Message& Batch::begin_rule(const std::string& chain) {
  messages_.push_back(nft(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND));
  Message& rule = messages_.back();
  return rule.text(NFTA_RULE_TABLE, kTable).text(NFTA_RULE_CHAIN, chain).open(NFTA_RULE_EXPRESSIONS);
}

// Returns the map's number in this transaction.
std::uint32_t Batch::make_map(const std::string& name, std::uint32_t flags, std::uint32_t key,
                              std::uint32_t value, std::uint32_t size) {
  messages_.push_back(nft(NFT_MSG_NEWSET, NLM_F_CREATE));
  Message& map = messages_.back();
  map.text(NFTA_SET_TABLE, kTable).text(NFTA_SET_NAME, name).big32(NFTA_SET_ID, ++maps_);
  map.big32(NFTA_SET_FLAGS, flags).big32(NFTA_SET_KEY_TYPE, key).big32(NFTA_SET_KEY_LEN, 4);
  map.big32(NFTA_SET_DATA_TYPE, value);
  if (value != kTypeVerdict) map.big32(NFTA_SET_DATA_LEN, 4);
  if (size != 0) map.open(NFTA_SET_DESC).big32(NFTA_SET_DESC_SIZE, size).close();
  return maps_;
}

void Batch::fill(std::uint32_t map, const Backends& backends) {
  for (std::size_t at = 0; at < backends.size(); at += kElementsAtOnce) {
    messages_.push_back(nft(NFT_MSG_NEWSETELEM, NLM_F_CREATE));
    Message& elements = messages_.back();
    elements.text(NFTA_SET_ELEM_LIST_TABLE, kTable).text(NFTA_SET_ELEM_LIST_SET, "__map%d");
    elements.big32(NFTA_SET_ELEM_LIST_SET_ID, map).open(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (std::size_t i = at; i < std::min(backends.size(), at + kElementsAtOnce); ++i) {
      elements.open(NFTA_LIST_ELEM).open(NFTA_SET_ELEM_KEY);
      elements.number(NFTA_DATA_VALUE, static_cast<std::uint32_t>(i)).close();  // as numgen writes it
      elements.open(NFTA_SET_ELEM_DATA).bytes(NFTA_DATA_VALUE, bytes_of(backends[i])).close().close();
    }
    elements.close();
  }
}

// dnat to numgen random mod N map { ... }
void Batch::rule_to(const std::string& chain, const Backends& backends) {
  const auto count = static_cast<std::uint32_t>(backends.size());
  const std::uint32_t map = make_map("__map%d", NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_MAP,
                                     kTypeInteger, kNftTypeAddress, count);
  fill(map, backends);
  Message& rule = begin_rule(chain);
  open_expression(rule, "numgen").big32(NFTA_NG_DREG, NFT_REG_1).big32(NFTA_NG_MODULUS, count);
  rule.big32(NFTA_NG_TYPE, NFT_NG_RANDOM).big32(NFTA_NG_OFFSET, 0);
  close_expression(rule);
  open_expression(rule, "lookup").text(NFTA_LOOKUP_SET, "__map%d").big32(NFTA_LOOKUP_SET_ID, map);
  rule.big32(NFTA_LOOKUP_SREG, NFT_REG_1).big32(NFTA_LOOKUP_DREG, NFT_REG_1);
  close_expression(rule);
  open_expression(rule, "nat").big32(NFTA_NAT_TYPE, NFT_NAT_DNAT).big32(NFTA_NAT_FAMILY, AF_INET);
  rule.big32(NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
  close_expression(rule);
  rule.close();
}

// A TCP client hears a reset at once. An ICMP error would come while its own connect() holds the socket, and
// count only when the SYN is sent again, a second later.
void Batch::rule_refusing(const std::string& chain) {
  Message& reset = begin_rule(chain);
  open_expression(reset, "meta").big32(NFTA_META_DREG, NFT_REG_1).big32(NFTA_META_KEY, NFT_META_L4PROTO);
  close_expression(reset);
  open_expression(reset, "cmp").big32(NFTA_CMP_SREG, NFT_REG_1).big32(NFTA_CMP_OP, NFT_CMP_EQ);
  reset.open(NFTA_CMP_DATA).number(NFTA_DATA_VALUE, static_cast<std::uint8_t>(IPPROTO_TCP)).close();
  close_expression(reset);
  open_expression(reset, "reject").big32(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
  close_expression(reset);
  reset.close();

  Message& unreachable = begin_rule(chain);
  open_expression(unreachable, "reject").big32(NFTA_REJECT_TYPE, NFT_REJECT_ICMP_UNREACH);
  unreachable.number(NFTA_REJECT_ICMP_CODE, kHostUnreachable);
  close_expression(unreachable);
  unreachable.close();
}

void Batch::clear(const std::string& chain) {
  messages_.push_back(nft(NFT_MSG_DELRULE, 0));
  messages_.back().text(NFTA_RULE_TABLE, kTable).text(NFTA_RULE_CHAIN, chain);
}

void Batch::vip_element(std::uint16_t type, std::uint16_t flags, const Address& vip, bool with_verdict) {
  messages_.push_back(nft(type, flags));
  Message& element = messages_.back();
  element.text(NFTA_SET_ELEM_LIST_TABLE, kTable).text(NFTA_SET_ELEM_LIST_SET, kMap);
  element.open(NFTA_SET_ELEM_LIST_ELEMENTS).open(NFTA_LIST_ELEM);
  element.open(NFTA_SET_ELEM_KEY).bytes(NFTA_DATA_VALUE, bytes_of(vip)).close();
  if (with_verdict) {
    element.open(NFTA_SET_ELEM_DATA).open(NFTA_DATA_VERDICT);
    element.big32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(NFT_GOTO));
    element.text(NFTA_VERDICT_CHAIN, chain_of(vip)).close().close();
  }
  element.close().close();
}

void Batch::set_vip(const VipEdit& edit) {
  const std::string chain = chain_of(edit.vip);
  if (edit.known) {
    clear(chain);
  } else {
    make_chain(chain);
  }
  if (edit.backends->empty()) {
    rule_refusing(chain);
  } else {
    rule_to(chain, *edit.backends);
  }
  if (!edit.known) vip_element(NFT_MSG_NEWSETELEM, NLM_F_CREATE, edit.vip, true);
}

void Batch::remove_vip(const Address& vip) {
  vip_element(NFT_MSG_DELSETELEM, 0, vip, false);
  clear(chain_of(vip));
  messages_.push_back(nft(NFT_MSG_DELCHAIN, 0));
  messages_.back().text(NFTA_CHAIN_TABLE, kTable).text(NFTA_CHAIN_NAME, chain_of(vip));
}

}  // namespace

Result<void> make_vip_table(Socket& socket, const std::vector<VipEdit>& vips) {
  Batch batch;
  batch.remove_table();
  batch.make_table();
  for (const VipEdit& edit : vips) batch.set_vip({edit.vip, edit.backends, false});
  return socket.commit("make the table of " + std::to_string(vips.size()) + " VIPs", batch.take());
}

Result<void> edit_vip_table(Socket& socket, const std::vector<VipEdit>& edits) {
  Batch batch;
  for (const VipEdit& edit : edits) {
    if (edit.backends != nullptr) {
      batch.set_vip(edit);
    } else if (edit.known) {
      batch.remove_vip(edit.vip);
    }
  }
  auto messages = batch.take();
  if (messages.empty()) return {};
  return socket.commit("change " + std::to_string(edits.size()) + " VIPs", std::move(messages));
}

Result<std::uint32_t> generation(Socket& socket) {
  const auto reply = socket.get("ask for the generation of the nf_tables", nft(NFT_MSG_GETGEN, 0));
  if (!reply) return reply.error();
  const std::string_view body = reply->body;
  if (body.size() < sizeof(nfgenmsg)) return 0U;
  return Attributes(body.substr(sizeof(nfgenmsg))).big32(NFTA_GEN_ID);
}

}  // namespace swarm::real::netlink
