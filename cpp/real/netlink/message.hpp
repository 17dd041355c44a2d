// Message: one netlink message being written (RFC 3549; linux/netlink.h): a header, a fixed struct,
// attributes, some of them nested. Attributes: those of a message or of a nest, being read.
//
// NOT here: what messages mean (link_messages, nat_table), sockets (socket).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace swarm::real::netlink {

class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags);

  // The fixed struct that follows the header (ifinfomsg, ndmsg, nfgenmsg, ...).
  template <class Struct>
  Message& fixed(const Struct& value) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    append({reinterpret_cast<const char*>(&value), sizeof value});
    return *this;
  }
  template <class Number>
  Message& number(std::uint16_t type, Number value) {  // in this machine's order
    static_assert(std::is_integral_v<Number>);
    return bytes(type, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  Message& big16(std::uint16_t type, std::uint16_t value);  // in the network's order
  Message& big32(std::uint16_t type, std::uint32_t value);
  Message& bytes(std::uint16_t type, std::string_view value);
  Message& text(std::uint16_t type, const std::string& value);  // with its 0

  // What is added until close() lies inside.
  Message& open(std::uint16_t type);
  Message& close();

  void set_sequence(std::uint32_t sequence);
  void add_flags(std::uint16_t flags);
  // The whole message, aligned, its length in its header.
  const std::string& finished();

 private:
  void append(std::string_view bytes);

  std::string bytes_;
  std::vector<std::size_t> nests_;  // where each open one begins
};

// Attributes by their type; of several with one type the last one.
class Attributes {
 public:
  explicit Attributes(std::string_view bytes);
  bool has(std::uint16_t type) const { return values_.contains(type); }
  std::string_view bytes(std::uint16_t type) const;
  std::string text(std::uint16_t type) const;
  std::uint32_t number32(std::uint16_t type) const;  // 0 when it is not there, or shorter
  std::uint32_t big32(std::uint16_t type) const;
  Attributes nested(std::uint16_t type) const { return Attributes(bytes(type)); }

 private:
  std::map<std::uint16_t, std::string_view> values_;
};

// A struct at the begin of bytes that came from the kernel; zeros where they are too short.
template <class Struct>
Struct read_fixed(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<Struct>);
  Struct value{};
  if (bytes.size() >= sizeof value) bytes.copy(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

}  // namespace swarm::real::netlink
