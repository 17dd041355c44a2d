// server: one packet of a task in, what is to be done with it out. It is moby's embedded resolver
// (libnetwork/resolver.go, serveDNS) without its sockets.
//
//   A, AAAA of a known name   its addresses in drawn order; none of this family: empty NOERROR, at once
//   PTR of a known address    "NAME.NETWORK."
//   another type              empty NOERROR: the swarm owns the name (moby sends these to the host's servers)
//   another name or class     Forward; SERVFAIL where nothing may be forwarded
//   not a query of one question  FORMERR, NOTIMP, BADVERS, or no answer at all
//
// Invariants: no answer is longer than its client can take; nothing throws; the work is linear in the packet
// and in the addresses of one name. NOT here: sockets, and what becomes of Forward (forwarder.hpp).
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/rng.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/names.hpp"

namespace swarm::dns {

struct Reply {
  std::string bytes;
};
struct Forward {};  // to the host's servers, as it came
struct Drop {};
using Verdict = std::variant<Reply, Forward, Drop>;

Verdict answer(std::string_view packet, Transport transport, const Names& names, Rng& rng);

}  // namespace swarm::dns
