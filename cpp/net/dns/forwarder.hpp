// Forwarder: the questions of one task that the swarm does not answer. Each goes to the host's servers, one
// after the other, until one has answered; the client gets that answer, or SERVFAIL (moby,
// libnetwork/resolver.go, forwardExtDNS).
//
//   in:  forward(a query), heard(a packet of a server), failed(a question), tick(now)
//   out: effects: Ask a server, Tell a client; next_deadline()
//
// - A question has an id of its own, drawn: a packet is a reply only if its id, its sender, its transport and
//   its question are those of a question under way (RFC 5452 section 9). All others are ignored. The Rng is
//   no cipher: the caller's socket takes a random port of the kernel's for the rest (section 9.2).
// - A server has kServerPatience. SERVFAIL, REFUSED and silence pass the question on to the next one; any
// other
//   code is the answer, NXDOMAIN too. It goes to the client as it is, but for the id.
// - kMostUnderWay questions at most; one more is REFUSED at once (moby lets it wait for four seconds first).
//
// Invariant: each query that was taken in is told once: by a reply, by SERVFAIL, or by REFUSED. NOT here:
// sockets, which queries are forwarded (server.hpp), a cache: moby keeps none either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {

inline constexpr Duration kServerPatience = Duration::seconds(4);  // extIOTimeout
inline constexpr std::size_t kMostUnderWay = 1'024;                // maxConcurrent

using ClientQuery = std::uint64_t;  // the caller's number of a query: whom to answer, and by which socket
using QuestionId = std::uint16_t;   // the id in the packet that a server gets

struct Ask {
  QuestionId question = 0;
  Upstream server;
  Transport transport = Transport::udp;
  std::string bytes;
};
struct Tell {
  ClientQuery query = 0;
  std::string bytes;
};
using ForwardEffect = std::variant<Ask, Tell>;

class Forwarder {
 public:
  Forwarder(std::vector<Upstream> servers, Rng rng) : servers_(std::move(servers)), rng_(rng) {}

  // `packet` is one that answer() says Forward of. After `until` the client gets SERVFAIL in any case.
  void forward(ClientQuery query, std::string_view packet, Transport transport, Instant now, Instant until);
  // Returns true if the packet was the reply to a question under way.
  bool heard(const Address& from, Transport transport, std::string_view packet, Instant now);
  // The server of this question cannot be reached: its port is closed, or its connection ended.
  void failed(QuestionId question, Instant now);
  void tick(Instant now);

  Instant next_deadline() const;
  std::vector<ForwardEffect> take_effects() { return std::exchange(effects_, {}); }
  std::size_t under_way() const { return questions_.size(); }

 private:
  struct Question {
    ClientQuery query = 0;
    std::string packet;  // as the client sent it
    Transport transport = Transport::udp;
    Instant until;
    std::size_t server = 0;  // whose turn it is
    Instant deadline;
    std::uint64_t sequence = 0;
  };
  using Questions = std::map<QuestionId, Question>;

  void ask(Question question, Instant now);
  void ask_next(Questions::iterator it, Instant now);
  Question take(Questions::iterator it);
  QuestionId fresh_id();
  void tell(const Question& question, Rcode code);

  std::vector<Upstream> servers_;
  Rng rng_;
  Questions questions_;
  std::set<std::tuple<Instant, std::uint64_t, QuestionId>> deadlines_;
  std::uint64_t sequence_ = 0;
  std::vector<ForwardEffect> effects_;
};

}  // namespace swarm::dns
