// What the messages of every table of nf_tables are written with (linux/netfilter/nf_tables.h). NOT here:
// what a table says (nat_table, drop_table), and the transaction that carries it (socket).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "real/netlink/message.hpp"

namespace swarm::real::netlink {

constexpr std::uint32_t kNftTypeAddress = 7;  // nft's number, for a person who lists the table

Message nft(std::uint16_t type, std::uint16_t flags);  // of the family ip
std::string_view bytes_of(const Address& address);     // of an IPv4 address; `address` must live on
// One expression of a rule; its attributes are added in between.
Message& open_expression(Message& message, const std::string& name);
void close_expression(Message& message);

}  // namespace swarm::real::netlink
