// OpensslCrypto: the Crypto port by OpenSSL 3 (real/tls/x509). Chance comes from the operating system, never
// from the engine's Rng.
#pragma once

#include "ports/ports.hpp"

namespace swarm::real {

class OpensslCrypto final : public ports::Crypto {
 public:
  std::string random_bytes(std::size_t count) override;
  std::string sha256(std::string_view bytes) override;
  KeyPair make_root_ca(WallTime now) override;
  Result<KeyPair> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime now) override;
  Result<std::string> cross_sign(const KeyPair& root, std::string_view other_root_pem) override;
  Issuer issuer_of(std::string_view cert_pem) override;
  OwnRequest make_request() override;
  Result<std::string> issue(const KeyPair& root, std::string_view request_pem,
                            const model::Certificate& says) override;
  std::optional<model::Certificate> read_certificate(std::string_view cert_pem) override;
  std::string root_id(std::string_view root_pem) override;
};

}  // namespace swarm::real
