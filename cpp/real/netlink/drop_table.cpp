#include "real/netlink/drop_table.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/nft_words.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {
namespace {

const std::string kTable = "swarmpy_faults";
const std::string kSet = "unheard";
const std::string kChain = "arrivals";
constexpr std::uint32_t kSetNumber = 1;                                // in its transaction
constexpr std::uint32_t kPriority = static_cast<std::uint32_t>(-300);  // NF_IP_PRI_RAW: before all others
constexpr std::uint32_t kOffsetOfSource = 12;                          // in the IPv4 header

Message table(std::uint16_t type, std::uint16_t flags) {
  Message message = nft(type, flags);
  message.text(NFTA_TABLE_NAME, kTable);
  return message;
}

Message make_set() {
  Message set = nft(NFT_MSG_NEWSET, NLM_F_CREATE);
  set.text(NFTA_SET_TABLE, kTable).text(NFTA_SET_NAME, kSet).big32(NFTA_SET_ID, kSetNumber);
  set.big32(NFTA_SET_FLAGS, 0).big32(NFTA_SET_KEY_TYPE, kNftTypeAddress).big32(NFTA_SET_KEY_LEN, 4);
  return set;
}

Message fill_set(const std::vector<Address>& sources) {
  Message elements = nft(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
  elements.text(NFTA_SET_ELEM_LIST_TABLE, kTable).text(NFTA_SET_ELEM_LIST_SET, kSet);
  elements.big32(NFTA_SET_ELEM_LIST_SET_ID, kSetNumber).open(NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const Address& source : sources)
    elements.open(NFTA_LIST_ELEM)
        .open(NFTA_SET_ELEM_KEY)
        .bytes(NFTA_DATA_VALUE, bytes_of(source))
        .close()
        .close();
  elements.close();
  return elements;
}

Message make_chain() {
  Message chain = nft(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  chain.text(NFTA_CHAIN_TABLE, kTable).text(NFTA_CHAIN_NAME, kChain).open(NFTA_CHAIN_HOOK);
  chain.big32(NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING).big32(NFTA_HOOK_PRIORITY, kPriority).close();
  chain.text(NFTA_CHAIN_TYPE, "filter");
  return chain;
}

// ip saddr @unheard drop
Message make_rule() {
  Message rule = nft(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  rule.text(NFTA_RULE_TABLE, kTable).text(NFTA_RULE_CHAIN, kChain).open(NFTA_RULE_EXPRESSIONS);
  open_expression(rule, "payload").big32(NFTA_PAYLOAD_DREG, NFT_REG_1);
  rule.big32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER).big32(NFTA_PAYLOAD_OFFSET, kOffsetOfSource);
  rule.big32(NFTA_PAYLOAD_LEN, 4);
  close_expression(rule);
  open_expression(rule, "lookup").text(NFTA_LOOKUP_SET, kSet).big32(NFTA_LOOKUP_SREG, NFT_REG_1);
  close_expression(rule);
  open_expression(rule, "immediate").big32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  rule.open(NFTA_IMMEDIATE_DATA).open(NFTA_DATA_VERDICT).big32(NFTA_VERDICT_CODE, NF_DROP).close().close();
  close_expression(rule);
  rule.close();
  return rule;
}

}  // namespace

Result<void> drop_from(Socket& socket, const std::vector<Address>& sources) {
  std::vector<Message> messages;
  messages.push_back(table(NFT_MSG_NEWTABLE, NLM_F_CREATE));  // so that there is one to remove
  messages.push_back(table(NFT_MSG_DELTABLE, 0));
  if (!sources.empty()) {
    messages.push_back(table(NFT_MSG_NEWTABLE, NLM_F_CREATE));
    messages.push_back(make_set());
    messages.push_back(fill_set(sources));
    messages.push_back(make_chain());
    messages.push_back(make_rule());
  }
  return socket.commit("drop what " + std::to_string(sources.size()) + " nodes say", std::move(messages));
}

}  // namespace swarm::real::netlink
