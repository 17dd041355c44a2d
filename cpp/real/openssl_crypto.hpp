// OpensslCrypto: the Crypto port by OpenSSL 3. Chance comes from the operating system, never from the
// engine's Rng.
#pragma once

#include "ports/ports.hpp"

namespace swarm::real {

class OpensslCrypto final : public ports::Crypto {
 public:
  std::string random_bytes(std::size_t count) override;
  std::string sha256(std::string_view bytes) override;
  KeyPair make_root_ca(WallTime now) override;
  Issuer issuer_of(std::string_view cert_pem) override;
};

}  // namespace swarm::real
