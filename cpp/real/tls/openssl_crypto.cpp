#include "real/tls/openssl_crypto.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/tls/owned.hpp"
#include "real/tls/root_trial.hpp"
#include "real/tls/x509.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kSerial = 20;  // bytes: the most that RFC 5280 allows

// A user's root whose certificates nodes would refuse.
Error unbelievable(const Error& why) {
  return rpc_error(
      Code::invalid_argument,
      "the desired CA certificate cannot be a swarm's root: nodes would refuse the certificates "
      "that it signs (" +
          why.message +
          "). Give one without name constraints, extended key usage and critical extensions of "
          "your own, with a key of a named curve such as P-256; docker swarm ca --rotate without "
          "--ca-cert makes one");
}

Error no_way_from_present(const Error& why) {
  return rpc_error(Code::failed_precondition,
                   "the swarm cannot go from its present root to another one: nodes that believe the present "
                   "root would refuse certificates of the next one (" +
                       why.message +
                       "). First give the present root without its limits by docker swarm ca --rotate "
                       "--ca-cert FILE --ca-key FILE: a certificate of the same key and subject that has "
                       "basicConstraints CA:TRUE without pathlen. Rotate again when all nodes are ready");
}

}  // namespace

std::string OpensslCrypto::random_bytes(std::size_t count) {
  std::string out(count, '\0');
  SWARM_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1,
              "no randomness");
  return out;
}

std::string OpensslCrypto::sha256(std::string_view bytes) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

ports::Crypto::KeyPair OpensslCrypto::make_root_ca(WallTime now) {
  const tls::Key key = tls::make_key();
  const tls::Cert cert = tls::make_root(key.get(), now, random_bytes(kSerial));
  return {tls::to_pem(cert.get()), tls::to_pem(key.get())};
}

Result<ports::Crypto::KeyPair> OpensslCrypto::read_root(std::string_view cert_pem, std::string_view key_pem,
                                                        WallTime now) {
  const auto root = tls::read_root(cert_pem, key_pem, now);
  if (!root) return root.error();
  KeyPair pair{tls::to_pem(root->cert.get()), tls::to_pem(root->key.get())};
  if (const auto tried = tls::try_root(pair, now); !tried) return unbelievable(tried.error());
  return pair;
}

// Whether `root` lets another authority stand below it does not depend on which: one of a moment is tried.
// From a root that nodes do not believe even now, every way out is welcome.
Result<std::string> OpensslCrypto::cross_sign(const KeyPair& root, std::string_view other_root_pem) {
  auto cross_signed = tls::cross_sign(root.cert_pem, root.key_pem, other_root_pem, random_bytes(kSerial));
  if (!cross_signed || tls::is_same_authority(root.cert_pem, other_root_pem)) return cross_signed;
  const WallTime now = wall_now();
  const KeyPair trial = make_root_ca(now);
  auto below = tls::cross_sign(root.cert_pem, root.key_pem, trial.cert_pem, random_bytes(kSerial));
  if (!below) return below;
  const auto tried = tls::try_change(root, trial, *below, now);
  if (!tried && tls::try_root(root, now)) return no_way_from_present(tried.error());
  return cross_signed;
}

ports::Crypto::Issuer OpensslCrypto::issuer_of(std::string_view cert_pem) {
  const tls::Cert cert = tls::read_cert(cert_pem);
  if (!cert) return {};
  Issuer issuer;
  const unsigned char* subject = nullptr;
  std::size_t size = 0;
  if (X509_NAME_get0_der(X509_get_subject_name(cert.get()), &subject, &size) == 1)
    issuer.subject_der.assign(reinterpret_cast<const char*>(subject), size);
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(X509_get0_pubkey(cert.get()), &der);
  if (length > 0)
    issuer.public_key_der.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return issuer;
}

ports::Crypto::OwnRequest OpensslCrypto::make_request() {
  const tls::Key key = tls::make_key();
  return {tls::to_pem(key.get()), tls::make_request_pem(key.get())};
}

Result<std::string> OpensslCrypto::issue(const KeyPair& root, std::string_view request_pem,
                                         const model::Certificate& says) {
  return tls::issue(root.cert_pem, root.key_pem, request_pem, says, random_bytes(kSerial));
}

std::optional<model::Certificate> OpensslCrypto::read_certificate(std::string_view cert_pem) {
  return tls::says_of_chain(cert_pem);
}

std::string OpensslCrypto::root_id(std::string_view root_pem) {
  const tls::Cert root = tls::read_cert(root_pem);
  return root ? tls::key_id(root.get()) : std::string();
}

}  // namespace swarm::real
