// Why TLS failed, in words. Refused certificates have the sentences of ca/policy, as in the simulated world:
// "the peer's certificate ..." where this end refuses, "refused: the peer's certificate ..." where the other
// end has refused this one's and said so.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace swarm::real::tls {

// Of the call that has just failed.
std::string failure_of(SSL* ssl);

}  // namespace swarm::real::tls
