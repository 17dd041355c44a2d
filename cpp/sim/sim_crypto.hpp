// SimCrypto: keys and secrets that only look like it, drawn from the seed. SHA-256 is the real one: tokens
// made here have the shape of real ones. NOT secret, NOT certificates: no program outside the simulator may
// see them.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "sim/sha256.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

class SimCrypto final : public ports::Crypto {
 public:
  explicit SimCrypto(Rng rng) : rng_(rng) {}

  std::string random_bytes(std::size_t count) override {
    std::string bytes;
    while (bytes.size() < count) put_u64(bytes, rng_.next());
    bytes.resize(count);
    return bytes;
  }
  std::string sha256(std::string_view bytes) override { return sim::sha256(bytes); }
  KeyPair make_root_ca(WallTime) override {
    return {pem("CERTIFICATE", random_bytes(96)), pem("PRIVATE KEY", random_bytes(48))};
  }
  Issuer issuer_of(std::string_view cert_pem) override {
    return {"\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x13\x08swarm-ca", sim::sha256(cert_pem)};
  }

 private:
  static std::string pem(const std::string& what, std::string_view bytes) {
    const std::string text = to_base64(bytes);
    std::string out = "-----BEGIN " + what + "-----\n";
    for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
    return out + "-----END " + what + "-----\n";
  }
  Rng rng_;
};

}  // namespace swarm::sim
