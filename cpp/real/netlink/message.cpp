#include "real/netlink/message.hpp"

#include <endian.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace swarm::real::netlink {
namespace {

constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~static_cast<std::size_t>(3); }

}  // namespace

// ---- writing

Message::Message(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  fixed(header);
}

void Message::append(std::string_view bytes) {
  bytes_.append(bytes);
  bytes_.resize(aligned(bytes_.size()), '\0');
}

Message& Message::bytes(std::uint16_t type, std::string_view value) {
  nlattr header{};
  header.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size());
  header.nla_type = type;
  fixed(header);
  append(value);
  return *this;
}

Message& Message::text(std::uint16_t type, const std::string& value) {
  return bytes(type, {value.c_str(), value.size() + 1});
}
Message& Message::big16(std::uint16_t type, std::uint16_t value) { return number(type, htobe16(value)); }
Message& Message::big32(std::uint16_t type, std::uint32_t value) { return number(type, htobe32(value)); }

Message& Message::open(std::uint16_t type) {
  nests_.push_back(bytes_.size());
  return bytes(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
}

Message& Message::close() {
  const std::size_t at = nests_.back();
  nests_.pop_back();
  const auto length = static_cast<std::uint16_t>(bytes_.size() - at);
  std::memcpy(bytes_.data() + at + offsetof(nlattr, nla_len), &length, sizeof length);
  return *this;
}

void Message::set_sequence(std::uint32_t sequence) {
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
}

void Message::add_flags(std::uint16_t flags) {
  std::uint16_t now = 0;
  char* at = bytes_.data() + offsetof(nlmsghdr, nlmsg_flags);
  std::memcpy(&now, at, sizeof now);
  now = static_cast<std::uint16_t>(now | flags);
  std::memcpy(at, &now, sizeof now);
}

const std::string& Message::finished() {
  const auto length = static_cast<std::uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  return bytes_;
}

// ---- reading

Attributes::Attributes(std::string_view bytes) {
  while (bytes.size() >= NLA_HDRLEN) {
    const auto header = read_fixed<nlattr>(bytes);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes.size()) return;
    values_[header.nla_type & NLA_TYPE_MASK] = bytes.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    const std::size_t step = aligned(header.nla_len);
    bytes.remove_prefix(step < bytes.size() ? step : bytes.size());
  }
}

std::string_view Attributes::bytes(std::uint16_t type) const {
  const auto it = values_.find(type);
  return it != values_.end() ? it->second : std::string_view();
}

std::string Attributes::text(std::uint16_t type) const {
  const std::string_view value = bytes(type);
  return std::string(value.substr(0, value.find('\0')));
}

std::uint32_t Attributes::number32(std::uint16_t type) const {
  return read_fixed<std::uint32_t>(bytes(type));
}
std::uint32_t Attributes::big32(std::uint16_t type) const { return be32toh(number32(type)); }

}  // namespace swarm::real::netlink
