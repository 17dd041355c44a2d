// SimCrypto: keys, certificates and secrets that only look like it, drawn from the seed. SHA-256 is the real
// one: tokens made here have the shape of real ones. A certificate holds what it says, and the root that it
// names did sign it: nothing in the simulator forges one but a test that says so. NOT secret: no program
// outside the simulator may see them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "sim/sha256.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

// The roots of a bundle, by the names that certificates have for them.
std::vector<std::string> root_ids(std::string_view roots_pem);
std::optional<model::Certificate> read_certificate(std::string_view cert_pem);

class SimCrypto final : public ports::Crypto {
 public:
  explicit SimCrypto(Rng rng) : rng_(rng) {}

  std::string random_bytes(std::size_t count) override;
  std::string sha256(std::string_view bytes) override { return sim::sha256(bytes); }
  KeyPair make_root_ca(WallTime now) override;
  Result<KeyPair> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime now) override;
  Result<std::string> cross_sign(const KeyPair& root, std::string_view other_root_pem) override;
  Issuer issuer_of(std::string_view cert_pem) override;
  OwnRequest make_request() override;
  Result<std::string> issue(const KeyPair& root, std::string_view request_pem,
                            const model::Certificate& says) override;
  std::optional<model::Certificate> read_certificate(std::string_view cert_pem) override {
    return sim::read_certificate(cert_pem);
  }
  std::string root_id(std::string_view root_pem) override;

 private:
  Rng rng_;
};

}  // namespace swarm::sim
