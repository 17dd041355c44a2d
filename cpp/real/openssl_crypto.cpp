#include "real/openssl_crypto.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/check.hpp"

namespace swarm::real {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Cert = Owned<X509, X509_free>;
using Bio = Owned<BIO, BIO_free_all>;

constexpr long kYears = 20;  // swarmkit ca/certificates.go, RootCAExpiration

std::string content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* cert, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  SWARM_CHECK(extension && X509_add_ext(cert, extension.get(), -1) == 1, "certificate extension", value);
}

Cert self_signed(EVP_PKEY* key, WallTime now, const std::string& serial) {
  Cert cert(X509_new());
  X509_set_version(cert.get(), 2);  // 2 means version 3
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()),
                                                static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert.get()));
  std::time_t from = now.ns / 1'000'000'000;
  X509_time_adj_ex(X509_getm_notBefore(cert.get()), 0, 0, &from);
  X509_time_adj_ex(X509_getm_notAfter(cert.get()), static_cast<int>(kYears * 365), 0, &from);
  X509_NAME* name = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("swarm-ca"),
                             -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  X509_set_pubkey(cert.get(), key);
  add_extension(cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(cert.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert.get(), NID_subject_key_identifier, "hash");
  SWARM_CHECK(X509_sign(cert.get(), key, EVP_sha256()) > 0, "the root certificate cannot be signed");
  return cert;
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
  const Key key(EVP_EC_gen("P-256"));
  SWARM_CHECK(key != nullptr, "no P-256 key");
  std::string serial = random_bytes(20);
  serial[0] = static_cast<char>(serial[0] & 0x7f);  // positive (RFC 5280, 4.1.2.2)
  const Cert cert = self_signed(key.get(), now, serial);
  const Bio cert_out(BIO_new(BIO_s_mem())), key_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(cert_out.get(), cert.get());
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {content_of(cert_out.get()), content_of(key_out.get())};
}

ports::Crypto::Issuer OpensslCrypto::issuer_of(std::string_view cert_pem) {
  const Bio in(BIO_new_mem_buf(cert_pem.data(), static_cast<int>(cert_pem.size())));
  const Cert cert(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
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

}  // namespace swarm::real
