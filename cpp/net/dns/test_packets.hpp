// Packets for the tests of this room: queries by the byte, and answers taken apart.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {

inline std::string u16(std::uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

inline std::string bytes_of(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char one : hex) {
    if (one == ' ') continue;
    const int digit = one <= '9' ? one - '0' : one - 'a' + 10;
    if (high >= 0) out += static_cast<char>(high * 16 + digit);
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

inline std::string question(std::string_view name, std::uint16_t type, std::uint16_t klass = kClassIn) {
  const std::string wire = name.empty() ? std::string(1, '\0') : encoded(name);
  EXPECT_FALSE(wire.empty()) << name;
  return wire + u16(type) + u16(klass);
}

inline std::string opt(std::uint16_t size, std::uint8_t version = 0, bool dnssec_ok = false) {
  return std::string(1, '\0') + u16(kTypeOpt) + u16(size) + '\0' + static_cast<char>(version) +
         u16(dnssec_ok ? 0x8000 : 0) + u16(0);
}

struct Header {
  std::uint16_t id = 0x1234, flags = 0x0100, questions = 1, answers = 0, authorities = 0, additional = 0;
};
inline std::string header(const Header& head = {}) {
  return u16(head.id) + u16(head.flags) + u16(head.questions) + u16(head.answers) + u16(head.authorities) +
         u16(head.additional);
}

inline std::string query(std::string_view name, std::uint16_t type = kTypeA,
                         std::optional<std::uint16_t> udp_size = std::nullopt) {
  return header({.additional = static_cast<std::uint16_t>(udp_size ? 1 : 0)}) + question(name, type) +
         (udp_size ? opt(*udp_size) : std::string());
}

// An answer taken apart; a record that is broken fails the test.
struct Taken {
  std::uint16_t id = 0, flags = 0, code = 0;
  std::string question;
  std::vector<std::string> data;  // of each answer: an address as text, or the bytes of another record
  bool has_opt = false;
  std::uint8_t upper_code = 0;
  bool truncated() const { return (flags & kTruncated) != 0; }
};

inline std::string data_of(std::uint16_t type, std::string_view data) {
  if (type == kTypeA && data.size() == 4) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(data[i]); };
    return Address::v4(at(0), at(1), at(2), at(3)).host();
  }
  if (type != kTypeAaaa || data.size() != 16) return std::string(data);
  Address address;
  for (std::size_t i = 0; i < 16; ++i) address.ip[i] = static_cast<std::uint8_t>(data[i]);
  return address.host();
}

inline Taken taken(std::string_view answer) {
  Taken out;
  EXPECT_GE(answer.size(), kHeaderBytes);
  out.id = get_u16(answer, 0);
  out.flags = get_u16(answer, 2);
  out.code = out.flags & 15;
  if (get_u16(answer, 4) == 0) return out;
  out.question = question_of(answer).value();
  std::size_t at = kHeaderBytes + out.question.size();
  for (std::size_t i = get_u16(answer, 6); i > 0; --i) {
    EXPECT_EQ(get_u16(answer, at), 0xc00c) << "an owner that is not the question";
    EXPECT_EQ(get_u32(answer, at + 6), kTtlSeconds);
    const std::size_t length = get_u16(answer, at + 10);
    out.data.push_back(data_of(get_u16(answer, at + 2), answer.substr(at + 12, length)));
    at += 12 + length;
  }
  out.has_opt = get_u16(answer, 10) == 1;
  if (out.has_opt) {
    EXPECT_EQ(get_u16(answer, at + 1), kTypeOpt);
    out.upper_code = static_cast<std::uint8_t>(answer[at + 5]);
    at += 11;
  }
  EXPECT_EQ(at, answer.size()) << "bytes behind the last record";
  return out;
}

inline Ip ip(std::string_view text) { return Address::parse(text).value().ip; }

}  // namespace swarm::dns
