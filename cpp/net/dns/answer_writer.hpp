// AnswerWriter: one answer, record by record, never longer than its client can take: 512 bytes over UDP, or
// what the query's OPT record says (RFC 6891 section 6.2.3), and 65,535 over TCP. A record that does not fit
// is left out, and TC is set: the client asks again over TCP.
//
// The question comes back byte for byte, and each record's owner is a pointer to it (RFC 1035 section 4.1.4).
// As in moby (libnetwork/resolver.go, createRespMsg): recursion is available, AA is not set, TTL is 600. A
// query with an OPT record gets one (RFC 6891 section 6.1.1), which moby leaves out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/dns/address_bag.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {

inline constexpr std::uint32_t kTtlSeconds = 600;
inline constexpr std::size_t kMostUdp = 512;         // without an OPT record
inline constexpr std::size_t kMostUdpBody = 65'507;  // that IPv4 carries
inline constexpr std::size_t kMostTcp = 65'535;
inline constexpr std::uint16_t kOwnUdpSize = 4'096;  // of a query to us, said in our OPT record

std::size_t limit_of(const Query& query, Transport transport);

class AnswerWriter {
 public:
  AnswerWriter(const Query& query, Transport transport);

  // How many address records of this family fit, from now on.
  std::size_t room_for(bool v4) const;
  void reserve(std::size_t records, bool v4);

  // Each returns false, and sets TC, where the record does not fit.
  bool add_address(const Ip& ip, bool v4);
  bool add_ptr(std::string_view encoded_name);
  void truncate() { truncated_ = true; }

  std::string finish(Rcode code);

 private:
  bool begin_record(std::uint16_t type, std::size_t data_bytes);
  void add_opt(const Edns& query, Rcode code);

  std::string out_;
  std::size_t limit_;  // of header, question and answers: the OPT record's bytes are set aside
  std::uint16_t flags_;
  std::uint16_t answers_ = 0;
  std::optional<Edns> edns_;
  bool truncated_ = false;
};

// An answer without records.
std::string empty_answer(const Query& query, Rcode code);
// A header, for a sender whose question was not read.
std::string error_answer(const Broken& broken);

// A name as labels with their lengths; "" if a label or the name is too long, or a label is empty.
std::string encoded(std::string_view name);

}  // namespace swarm::dns
