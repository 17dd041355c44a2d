#include "net/dns/answer_writer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

constexpr std::uint16_t kPointerToQuestion = 0xc000 + kHeaderBytes;
constexpr std::size_t kRecordHead = 12, kOptBytes = 11;
constexpr std::size_t kMostRecords = 65'535;
constexpr std::uint16_t kFlagsKept = kOpcode | kRecursionDesired | kCheckingDisabled;

void put_u16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void set_u16(std::string& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<char>(value >> 8);
  out[at + 1] = static_cast<char>(value & 0xff);
}

std::size_t address_bytes(bool v4) { return v4 ? 4 : 16; }

std::uint16_t flags_of(std::uint16_t query_flags, Rcode code) {
  return static_cast<std::uint16_t>((query_flags & kFlagsKept) | kResponse | kRecursionAvailable |
                                    (static_cast<unsigned>(code) & 15U));
}

}  // namespace

std::size_t limit_of(const Query& query, Transport transport) {
  if (transport == Transport::tcp) return kMostTcp;
  if (!query.edns) return kMostUdp;
  return std::clamp<std::size_t>(query.edns->udp_size, kMostUdp, kMostUdpBody);
}

AnswerWriter::AnswerWriter(const Query& query, Transport transport)
    : limit_(limit_of(query, transport) - (query.edns ? kOptBytes : 0)),
      flags_(query.flags),
      edns_(query.edns) {
  out_.reserve(kHeaderBytes + query.question.size() + 2 * (kRecordHead + 16));
  put_u16(out_, query.id);
  out_.append(2, '\0');
  put_u16(out_, 1);
  out_.append(6, '\0');
  out_ += query.question;
}

std::size_t AnswerWriter::room_for(bool v4) const {
  return std::min((limit_ - out_.size()) / (kRecordHead + address_bytes(v4)), kMostRecords - answers_);
}

void AnswerWriter::reserve(std::size_t records, bool v4) {
  out_.reserve(out_.size() + records * (kRecordHead + address_bytes(v4)) + kOptBytes);
}

bool AnswerWriter::begin_record(std::uint16_t type, std::size_t data_bytes) {
  if (kRecordHead + data_bytes > limit_ - out_.size() || answers_ == kMostRecords) truncated_ = true;
  if (truncated_) return false;
  ++answers_;
  put_u16(out_, kPointerToQuestion);
  put_u16(out_, type);
  put_u16(out_, kClassIn);
  put_u32(out_, kTtlSeconds);
  put_u16(out_, static_cast<std::uint16_t>(data_bytes));
  return true;
}

bool AnswerWriter::add_address(const Ip& ip, bool v4) {
  const std::size_t bytes = address_bytes(v4);
  if (!begin_record(v4 ? kTypeA : kTypeAaaa, bytes)) return false;
  out_.append(reinterpret_cast<const char*>(ip.data()) + (ip.size() - bytes), bytes);
  return true;
}

bool AnswerWriter::add_ptr(std::string_view encoded_name) {
  if (!begin_record(kTypePtr, encoded_name.size())) return false;
  out_ += encoded_name;
  return true;
}

// RFC 6891 section 6.1.3: the upper eight bits of the code, version 0, and the query's DO (RFC 3225).
void AnswerWriter::add_opt(const Edns& query, Rcode code) {
  out_ += '\0';
  put_u16(out_, kTypeOpt);
  put_u16(out_, kOwnUdpSize);
  out_ += static_cast<char>(static_cast<unsigned>(code) >> 4);
  out_ += '\0';
  put_u16(out_, query.dnssec_ok ? 0x8000 : 0);
  put_u16(out_, 0);
}

std::string AnswerWriter::finish(Rcode code) {
  std::uint16_t flags = flags_of(flags_, code);
  if (truncated_) flags |= kTruncated;
  set_u16(out_, 2, flags);
  set_u16(out_, 6, answers_);
  if (edns_) {
    set_u16(out_, 10, 1);
    add_opt(*edns_, code);
  }
  return std::move(out_);
}

std::string empty_answer(const Query& query, Rcode code) {
  return AnswerWriter(query, Transport::udp).finish(code);
}

std::string error_answer(const Broken& broken) {
  std::string out;
  put_u16(out, broken.id);
  put_u16(out, flags_of(broken.flags, broken.why));
  out.append(kHeaderBytes - out.size(), '\0');
  return out;
}

std::string encoded(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    if (dot == 0 || dot > 63 || dot + 1 == name.size()) return {};
    out += static_cast<char>(dot);
    out += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out += '\0';
  return out.size() > 1 && out.size() <= 255 ? out : std::string();
}

}  // namespace swarm::dns
