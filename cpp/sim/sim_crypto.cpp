#include "sim/sim_crypto.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/pem.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"
#include "ports/ports.hpp"
#include "sim/sha256.hpp"

namespace swarm::sim {
namespace {

constexpr std::string_view kRequest = "-----BEGIN CERTIFICATE REQUEST-----\n";
constexpr std::size_t kFixed = 16 + 16 + 1 + 8 + 8;  // what a certificate says, less its issuer
constexpr std::size_t kRootId = 40;                  // digits, as of a real key
constexpr std::size_t kDigest = 32;
constexpr std::size_t kRoot = kDigest + 64;  // a root holds the digest of its key
constexpr std::string_view kKey = "-----BEGIN PRIVATE KEY-----\n";
constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----\n";

std::string pem(const std::string& what, std::string_view bytes) {
  const std::string text = to_base64(bytes);
  std::string out = "-----BEGIN " + what + "-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END " + what + "-----\n";
}

std::string body_of(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (text[at] != '-') out += text.substr(at, end - at);
    at = end + 1;
  }
  return from_base64(out).value_or("");
}

// A cross-signed certificate: the name of the root whose key it has, then that of the root that signed it.
struct CrossSigned {
  std::string of, by;
};
std::optional<CrossSigned> read_cross_signed(std::string_view pem) {
  const std::string bytes = body_of(pem);
  if (bytes.size() != 2 * kRootId) return std::nullopt;
  return CrossSigned{bytes.substr(0, kRootId), bytes.substr(kRootId)};
}

void put_id(std::string& out, Uint128 id) {
  put_u64(out, static_cast<std::uint64_t>(id >> 64));
  put_u64(out, static_cast<std::uint64_t>(id));
}
Uint128 get_id(std::string_view from, std::size_t at) {
  return static_cast<Uint128>(get_u64(from, at)) << 64 | get_u64(from, at + 8);
}

}  // namespace

std::vector<std::string> root_ids(std::string_view roots_pem) {
  std::vector<std::string> ids;
  for (auto next = take_certificate(roots_pem); !next.empty(); next = take_certificate(roots_pem)) {
    const auto cross_signed = read_cross_signed(next);
    ids.push_back(cross_signed ? cross_signed->of : to_hex(sha256(next)).substr(0, kRootId));
  }
  return ids;
}

std::optional<model::Certificate> read_certificate(std::string_view cert_pem) {
  const std::string bytes = body_of(take_certificate(cert_pem));
  if (bytes.size() != kFixed + kRootId) return std::nullopt;
  model::Certificate says;
  says.node = NodeId(get_id(bytes, 0));
  says.cluster = ClusterId(get_id(bytes, 16));
  says.role = bytes[32] == 1 ? model::NodeRole::manager : model::NodeRole::worker;
  says.not_before = {static_cast<std::int64_t>(get_u64(bytes, 33))};
  says.not_after = {static_cast<std::int64_t>(get_u64(bytes, 41))};
  says.issuer = bytes.substr(kFixed);
  const auto follows = read_cross_signed(take_certificate(cert_pem));
  if (follows && follows->of == says.issuer) says.cross_signed_by = follows->by;
  return says;
}

std::string SimCrypto::random_bytes(std::size_t count) {
  std::string bytes;
  while (bytes.size() < count) put_u64(bytes, rng_.next());
  bytes.resize(count);
  return bytes;
}

ports::Crypto::KeyPair SimCrypto::make_root_ca(WallTime) {
  const std::string key = random_bytes(48);
  return {pem("CERTIFICATE", sim::sha256(key) + random_bytes(kRoot - kDigest)), pem("PRIVATE KEY", key)};
}

// A real root may be given, too. It is a value like every other, and nothing ties its key to it.
Result<ports::Crypto::KeyPair> SimCrypto::read_root(std::string_view cert_pem, std::string_view key_pem,
                                                    WallTime) {
  const auto refuse = [](const char* text) { return rpc_error(Code::invalid_argument, text); };
  std::string_view rest = cert_pem.substr(std::min(cert_pem.find(kCertificate), cert_pem.size()));
  const std::string_view cert = take_certificate(rest);
  if (cert.empty()) return refuse("could not parse the desired CA certificate");
  if (rest.find(kCertificate) != std::string_view::npos)
    return refuse("the desired CA certificate cannot contain multiple certificates");
  if (key_pem.find("PRIVATE KEY-----") == std::string_view::npos)
    return refuse("could not parse the desired CA key");
  const std::string root = body_of(cert);
  if (key_pem.starts_with(kKey) && root.size() == kRoot && !root.starts_with(sim::sha256(body_of(key_pem))))
    return refuse("the desired CA certificate and key do not match");
  return KeyPair{std::string(cert), std::string(key_pem)};
}

Result<std::string> SimCrypto::cross_sign(const KeyPair& root, std::string_view other_root_pem) {
  return pem("CERTIFICATE", root_id(other_root_pem) + root_id(root.cert_pem));
}

ports::Crypto::Issuer SimCrypto::issuer_of(std::string_view cert_pem) {
  return {"\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x13\x08swarm-ca", sim::sha256(root_id(cert_pem))};
}

ports::Crypto::OwnRequest SimCrypto::make_request() {
  const std::string key = random_bytes(48);
  return {pem("PRIVATE KEY", key), pem("CERTIFICATE REQUEST", sim::sha256(key))};
}

Result<std::string> SimCrypto::issue(const KeyPair& root, std::string_view request_pem,
                                     const model::Certificate& says) {
  if (!request_pem.starts_with(kRequest))
    return rpc_error(Code::invalid_argument, "the certificate request is refused: it cannot be read");
  std::string bytes;
  put_id(bytes, says.node.value());
  put_id(bytes, says.cluster.value());
  bytes += says.role == model::NodeRole::manager ? '\1' : '\0';
  put_u64(bytes, static_cast<std::uint64_t>(says.not_before.ns));
  put_u64(bytes, static_cast<std::uint64_t>(says.not_after.ns));
  return pem("CERTIFICATE", bytes + root_id(root.cert_pem));
}

std::string SimCrypto::root_id(std::string_view root_pem) {
  const auto ids = root_ids(root_pem);
  return ids.empty() ? std::string() : ids.front();
}

}  // namespace swarm::sim
