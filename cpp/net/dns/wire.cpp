#include "net/dns/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "net/dns/lower_case.hpp"

namespace swarm::dns {
namespace {

constexpr std::size_t kMostLabel = 63, kMostName = 255;
constexpr std::size_t kMostAnswers = 1, kMostAuthorities = 1, kMostAdditional = 2;
constexpr std::uint8_t kPointer = 0xc0;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

// Goes through a packet once. After the first thing that is not there, `ok` is false and stays so.
class Reader {
 public:
  explicit Reader(std::string_view packet) : packet_(packet), at_(kHeaderBytes) {}

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }

  std::uint16_t u16() {
    if (!has(2)) return 0;
    at_ += 2;
    return get_u16(packet_, at_ - 2);
  }
  std::uint32_t u32() {
    if (!has(4)) return 0;
    at_ += 4;
    return get_u32(packet_, at_ - 4);
  }
  void skip(std::size_t bytes) {
    if (has(bytes)) at_ += bytes;
  }

  void question_name(QueryName& name) {
    const std::size_t begin = at_;
    while (const std::size_t length = label_length()) {
      if (length > kMostLabel || at_ + length + 1 - begin > kMostName - 1 || !has(length + 1)) {
        ok_ = false;
        return;
      }
      name.add_label(packet_.substr(at_ + 1, length));
      at_ += length + 1;
    }
    skip(1);
  }

  // The name of a record behind the question; returns true if it is the root.
  bool skip_name() {
    const std::size_t begin = at_;
    while (const std::size_t length = label_length()) {
      if (length >= kPointer) {
        skip(2);
        return false;
      }
      if (length > kMostLabel || at_ - begin > kMostName) ok_ = false;
      skip(length + 1);
    }
    skip(1);
    return at_ - begin == 1;
  }

 private:
  bool has(std::size_t bytes) {
    ok_ = ok_ && bytes <= packet_.size() - at_;
    return ok_;
  }
  std::size_t label_length() { return has(1) ? byte_at(packet_, at_) : 0; }

  std::string_view packet_;
  std::size_t at_;
  bool ok_ = true;
};

// One record; an OPT record becomes `edns`. Returns false for a second one, or one that is not the root's
// (RFC 6891 section 6.1.1).
bool read_record(Reader& reader, std::optional<Edns>& edns) {
  const bool is_root = reader.skip_name();
  const std::uint16_t type = reader.u16();
  const std::uint16_t klass = reader.u16();
  const std::uint32_t ttl = reader.u32();
  reader.skip(reader.u16());
  if (!reader.ok() || type != kTypeOpt) return reader.ok();
  if (edns || !is_root) return false;
  edns = Edns{klass, static_cast<std::uint8_t>(ttl >> 16 & 0xff), (ttl & 0x8000) != 0};
  return true;
}

struct Counts {
  std::size_t questions, answers, authorities, additional;
  bool acceptable() const {
    return questions == 1 && answers <= kMostAnswers && authorities <= kMostAuthorities &&
           additional <= kMostAdditional;
  }
};

Counts counts_of(std::string_view packet) {
  return {get_u16(packet, 4), get_u16(packet, 6), get_u16(packet, 8), get_u16(packet, 10)};
}

bool read_body(std::string_view packet, Query& query) {
  const Counts counts = counts_of(packet);
  if (!counts.acceptable()) return false;
  Reader reader(packet);
  reader.question_name(query.name);
  query.type = reader.u16();
  query.klass = reader.u16();
  if (!reader.ok()) return false;
  query.question = packet.substr(kHeaderBytes, reader.at() - kHeaderBytes);
  std::optional<Edns> elsewhere;  // an OPT record belongs to the additional records only
  for (std::size_t i = 0; i < counts.answers + counts.authorities; ++i)
    if (!read_record(reader, elsewhere) || elsewhere) return false;
  for (std::size_t i = 0; i < counts.additional; ++i)
    if (!read_record(reader, query.edns)) return false;
  return true;
}

}  // namespace

std::uint16_t get_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

void QueryName::add_label(std::string_view label) {
  if (size_ > 0) text_[size_++] = '.';
  for (const char one : label) {
    plain_ = plain_ && one != '.';
    text_[size_++] = lower_case(one);
  }
}

Read read_query(std::string_view packet) {
  if (packet.size() < 4) return Ignored{};
  const std::uint16_t id = get_u16(packet, 0);
  const std::uint16_t flags = get_u16(packet, 2);
  if ((flags & kResponse) != 0) return Ignored{};
  if ((flags & kOpcode) != 0) return Broken{id, flags, Rcode::notimp};
  Query query;
  query.id = id;
  query.flags = flags;
  if (packet.size() < kHeaderBytes || !read_body(packet, query)) return Broken{id, flags, Rcode::formerr};
  return query;
}

std::optional<std::string_view> question_of(std::string_view packet) {
  if (packet.size() < kHeaderBytes || get_u16(packet, 4) != 1) return std::nullopt;
  QueryName name;
  Reader reader(packet);
  reader.question_name(name);
  reader.skip(4);
  if (!reader.ok()) return std::nullopt;
  return packet.substr(kHeaderBytes, reader.at() - kHeaderBytes);
}

}  // namespace swarm::dns
