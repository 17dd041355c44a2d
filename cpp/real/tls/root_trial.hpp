// RootTrial: whether nodes believe certificates of a root. It makes such certificates and shakes hands with
// them in memory, with the contexts that nodes have: OpenSSL refuses for many reasons (weak keys, names,
// uses, path lengths, extensions), and only a handshake knows them all. NOT here: what a root must say
// (x509).
#pragma once

#include <string>

#include "base/result.hpp"
#include "ports/ports.hpp"

namespace swarm::real::tls {

// The reason is OpenSSL's, or that of ca/policy; nothing when nodes believe each other in both directions.

// Two nodes that have certificates of the root, and believe it.
Result<void> try_root(const ports::Crypto::KeyPair& root, WallTime now);
// Two nodes that believe `old`, of which one has a certificate of `next` already.
Result<void> try_change(const ports::Crypto::KeyPair& old, const ports::Crypto::KeyPair& next,
                        const std::string& cross_signed_pem, WallTime now);

}  // namespace swarm::real::tls
