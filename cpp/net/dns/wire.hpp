// wire: what a DNS query says. Bytes in, a value out; nothing is answered here.
//
// A packet is read from its first byte to its last once, and never backwards: a name of a question with a
// compression pointer is refused (RFC 1035 section 4.1.4 needs none there), and a pointer in a later record
// ends the name and is not followed. The bounds are those of the DNS library that moby uses (miekg/dns,
// DefaultMsgAcceptFunc): one question, at most one answer, one authority and two additional records.
//
// Sources: RFC 1035 section 4.1 (header, question), 2.3.4 (63 bytes a label, 255 a name); RFC 6891 (EDNS).
// NOT here: names of a swarm (names.hpp), answers (answer_writer.hpp), TCP's two bytes (tcp_frames.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace swarm::dns {

enum class Transport { udp, tcp };

inline constexpr std::size_t kHeaderBytes = 12;

// Of the header's second word.
inline constexpr std::uint16_t kResponse = 0x8000, kTruncated = 0x0200, kRecursionDesired = 0x0100,
                               kRecursionAvailable = 0x0080, kCheckingDisabled = 0x0010, kOpcode = 0x7800;

inline constexpr std::uint16_t kTypeA = 1, kTypePtr = 12, kTypeAaaa = 28, kTypeOpt = 41;
inline constexpr std::uint16_t kClassIn = 1;

// Above 15 only together with an OPT record.
enum class Rcode : std::uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  notimp = 4,
  refused = 5,
  badvers = 16
};

std::uint16_t get_u16(std::string_view bytes, std::size_t at);

// A name as text: labels with dots between them, in lower case, without a dot at the end.
class QueryName {
 public:
  void add_label(std::string_view label);  // at most 255 bytes together
  std::string_view text() const { return {text_.data(), size_}; }
  // False if a label has a dot inside: no name of a swarm has, and the text would look like another name.
  bool plain() const { return plain_; }

 private:
  std::array<char, 256> text_;
  std::size_t size_ = 0;
  bool plain_ = true;
};

struct Edns {
  std::uint16_t udp_size = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
};

struct Query {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::string_view question;  // as it came, its case too: a piece of the packet
  QueryName name;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::optional<Edns> edns;
};

struct Ignored {};  // a response, or too short to know whether it is one
struct Broken {     // the sender gets this code, and no question back
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  Rcode why = Rcode::formerr;
};
using Read = std::variant<Query, Broken, Ignored>;

// The value points into `packet`.
Read read_query(std::string_view packet);

// The bytes of the question that `packet` begins with, header and all before it left out. Nothing if it has
// none, more than one, or a broken one. For replies of servers, too.
std::optional<std::string_view> question_of(std::string_view packet);

}  // namespace swarm::dns
