#include "real/tls/x509.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real::tls {
namespace {

constexpr long kYears = 20;  // swarmkit ca/certificates.go, RootCAExpiration
constexpr std::int64_t kSecond = 1'000'000'000;

std::string content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

void add_extension(X509* cert, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  SWARM_CHECK(extension && X509_add_ext(cert, extension.get(), -1) == 1, "certificate extension", value);
}

// As it is there: it may have been made in another way than ours.
void copy_key_id(X509* from, X509* to) {
  const int at = X509_get_ext_by_NID(from, NID_subject_key_identifier, -1);
  SWARM_CHECK(at >= 0 && X509_add_ext(to, X509_get_ext(from, at), -1) == 1, "no key identifier");
}

void add_name(X509_NAME* name, const char* part, const std::string& value) {
  X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                             static_cast<int>(value.size()), -1, 0);
}

Cert blank(std::string serial, WallTime from, WallTime to) {
  serial[0] = static_cast<char>(serial[0] & 0x7f);  // positive (RFC 5280, 4.1.2.2)
  Cert cert(X509_new());
  X509_set_version(cert.get(), 2);  // 2 means version 3
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()),
                                                static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert.get()));
  ASN1_TIME_set(X509_getm_notBefore(cert.get()), from.ns / kSecond);
  ASN1_TIME_set(X509_getm_notAfter(cert.get()), to.ns / kSecond);
  return cert;
}

// The only value of this part of the name; "" when there is none, or several.
std::string part_of(X509_NAME* name, int part) {
  const int at = X509_NAME_get_index_by_NID(name, part, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, part, at) >= 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime{} + Duration::seconds(::timegm(&parts));
}

std::string hex_of(const ASN1_OCTET_STRING* id) {
  if (id == nullptr) return {};
  return to_hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(id)),
                 static_cast<std::size_t>(ASN1_STRING_length(id))});
}

std::optional<model::NodeRole> role_of(const std::string& unit) {
  for (const auto role : {model::NodeRole::worker, model::NodeRole::manager})
    if (unit == model::unit_of(role)) return role;
  return std::nullopt;
}

}  // namespace

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  SWARM_CHECK(key != nullptr, "no P-256 key");
  return key;
}

std::string to_pem(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return content_of(out.get());
}

std::string to_pem(X509* cert) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), cert);
  return content_of(out.get());
}

Cert read_cert(std::string_view pem) {
  return Cert(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
}

// A key that is sealed has no password here, and none is asked for at a terminal.
Key read_key(std::string_view pem) {
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return Key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, no_password, nullptr));
}

std::vector<Cert> read_certs(std::string_view pem) {
  std::vector<Cert> certs;
  const Bio in = reader_of(pem);
  while (Cert cert{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) certs.push_back(std::move(cert));
  return certs;
}

Cert make_root(EVP_PKEY* key, WallTime now, std::string serial) {
  Cert cert = blank(std::move(serial), now, now + Duration::seconds(kYears * 365 * 24 * 3600));
  X509_NAME* name = X509_get_subject_name(cert.get());
  add_name(name, "CN", "swarm-ca");
  X509_set_issuer_name(cert.get(), name);
  X509_set_pubkey(cert.get(), key);
  add_extension(cert.get(), cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert.get(), cert.get(), NID_subject_key_identifier, "hash");
  SWARM_CHECK(X509_sign(cert.get(), key, EVP_sha256()) > 0, "the root certificate cannot be signed");
  return cert;
}

std::string make_request_pem(EVP_PKEY* key) {
  const Request request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key);
  SWARM_CHECK(X509_REQ_sign(request.get(), key, EVP_sha256()) > 0, "the request cannot be signed");
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  return content_of(out.get());
}

namespace {

// The key of a request, if the request is signed with it and it is of P-256.
Result<EVP_PKEY*> key_of(X509_REQ* request) {
  const auto refuse = [](const char* why) {
    return rpc_error(Code::invalid_argument, std::string("the certificate request is refused: ") + why);
  };
  if (request == nullptr) return refuse("it cannot be read");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request);
  char curve[32] = {};
  std::size_t length = 0;
  if (key == nullptr || EVP_PKEY_get_group_name(key, curve, sizeof curve, &length) != 1 ||
      std::string_view(curve, length) != "prime256v1")
    return refuse("its key is not of the curve P-256");
  if (X509_REQ_verify(request, key) != 1) return refuse("it is not signed with its own key");
  return key;
}

Error cannot_sign() {
  return plain_error(Code::failed_precondition, "the key of the swarm's root certificate cannot sign");
}

// Swarmkit's names beside the subject: the role and the node, and of managers "swarm-ca".
std::string other_names(const model::Certificate& says) {
  std::string names = "DNS:" + std::string(model::unit_of(says.role)) + ",DNS:" + says.node.str();
  if (says.role == model::NodeRole::manager) names += ",DNS:swarm-ca";
  return names;
}

Cert unsigned_cert(X509* root, EVP_PKEY* key, const model::Certificate& says, std::string serial) {
  Cert cert = blank(std::move(serial), says.not_before, says.not_after);
  X509_NAME* name = X509_get_subject_name(cert.get());
  add_name(name, "O", says.cluster.str());
  add_name(name, "OU", model::unit_of(says.role));
  add_name(name, "CN", says.node.str());
  X509_set_issuer_name(cert.get(), X509_get_subject_name(root));
  X509_set_pubkey(cert.get(), key);
  add_extension(cert.get(), root, NID_key_usage, "critical,digitalSignature");
  add_extension(cert.get(), root, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(cert.get(), root, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(cert.get(), root, NID_authority_key_identifier, "keyid:always");
  add_extension(cert.get(), root, NID_subject_alt_name, other_names(says).c_str());
  return cert;
}

}  // namespace

Result<std::string> issue(std::string_view root_pem, std::string_view root_key_pem,
                          std::string_view request_pem, const model::Certificate& says, std::string serial) {
  const Request request(PEM_read_bio_X509_REQ(reader_of(request_pem).get(), nullptr, nullptr, nullptr));
  const auto key = key_of(request.get());
  if (!key) return key.error();
  const Cert root = read_cert(root_pem);
  const Key root_key = read_key(root_key_pem);
  if (!root || !root_key)
    return plain_error(Code::failed_precondition, "this manager has no key of the swarm's root certificate");
  const Cert cert = unsigned_cert(root.get(), *key, says, std::move(serial));
  if (X509_sign(cert.get(), root_key.get(), EVP_sha256()) <= 0) return cannot_sign();
  return to_pem(cert.get());
}

// ---- roots

namespace {

constexpr std::int64_t kLeastRootLife = 365LL * 24 * 3600 * kSecond;  // swarmkit minRootExpiration
constexpr int kLeastRsaBits = 2048;
// Authorities that may stand between a root and a node: two rotations of the root that the node missed.
constexpr long kLeastPathLength = 2;

Error no_root(std::string why) { return rpc_error(Code::invalid_argument, std::move(why)); }

bool may_sign(EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "EC") == 1 ||
         (EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kLeastRsaBits);
}

bool allows_authorities_below(X509* cert) {
  const long limit = X509_get_pathlen(cert);
  return limit < 0 || limit >= kLeastPathLength;
}

}  // namespace

Result<Root> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime now) {
  auto certs = read_certs(cert_pem);
  if (certs.empty()) return no_root("could not parse the desired CA certificate");
  if (certs.size() > 1) return no_root("the desired CA certificate cannot contain multiple certificates");
  Root root{std::move(certs.front()), read_key(key_pem)};
  X509* cert = root.cert.get();
  if (!root.key) return no_root("could not parse the desired CA key: give one that is not sealed, in PEM");
  if (X509_check_private_key(cert, root.key.get()) != 1)
    return no_root("the desired CA certificate and key do not match");
  if (!may_sign(root.key.get()))
    return no_root("the desired CA key must be of an elliptic curve, or RSA of 2048 bits at least");
  if (X509_check_ca(cert) != 1 || X509_self_signed(cert, 1) != 1)
    return no_root(
        "the desired CA certificate is no root: it must be one of an authority (CA:TRUE), and sign itself");
  if (!allows_authorities_below(cert))
    return no_root("the desired CA certificate limits the length of chains (pathlen:" +
                   std::to_string(X509_get_pathlen(cert)) +
                   "), so the swarm could not be brought to another root later: give one without pathlen");
  if (key_id(cert).empty())
    return no_root(
        "the desired CA certificate has no subject key identifier, by which certificates name their root");
  if (time_of(X509_get0_notAfter(cert)) < now + Duration{kLeastRootLife})
    return no_root("CA certificate expires too soon");
  return root;
}

Result<std::string> cross_sign(std::string_view root_pem, std::string_view root_key_pem,
                               std::string_view other_root_pem, std::string serial) {
  const Cert root = read_cert(root_pem);
  const Key root_key = read_key(root_key_pem);
  const Cert other = read_cert(other_root_pem);
  if (!root || !root_key || !other)
    return plain_error(Code::failed_precondition, "this manager has no key of the swarm's root certificate");
  const auto later =
      std::max(time_of(X509_get0_notBefore(root.get())), time_of(X509_get0_notBefore(other.get())));
  const auto sooner =
      std::min(time_of(X509_get0_notAfter(root.get())), time_of(X509_get0_notAfter(other.get())));
  const Cert cert = blank(std::move(serial), later, sooner);
  X509_set_subject_name(cert.get(), X509_get_subject_name(other.get()));
  X509_set_issuer_name(cert.get(), X509_get_subject_name(root.get()));
  X509_set_pubkey(cert.get(), X509_get0_pubkey(other.get()));
  add_extension(cert.get(), root.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(cert.get(), root.get(), NID_basic_constraints, "critical,CA:TRUE");
  copy_key_id(other.get(), cert.get());
  add_extension(cert.get(), root.get(), NID_authority_key_identifier, "keyid:always");
  if (X509_sign(cert.get(), root_key.get(), EVP_sha256()) <= 0) return cannot_sign();
  return to_pem(cert.get());
}

bool is_same_authority(std::string_view one_pem, std::string_view other_pem) {
  const Cert one = read_cert(one_pem), other = read_cert(other_pem);
  return one && other &&
         X509_NAME_cmp(X509_get_subject_name(one.get()), X509_get_subject_name(other.get())) == 0 &&
         EVP_PKEY_eq(X509_get0_pubkey(one.get()), X509_get0_pubkey(other.get())) == 1;
}

std::optional<model::Certificate> says(X509* cert) {
  X509_NAME* name = X509_get_subject_name(cert);
  const auto node = NodeId::parse(part_of(name, NID_commonName));
  const auto role = role_of(part_of(name, NID_organizationalUnitName));
  const auto cluster = ClusterId::parse(part_of(name, NID_organizationName));
  if (!node || node->empty() || !role || !cluster || cluster->empty()) return std::nullopt;
  return model::Certificate{
      *node,           *role, *cluster, time_of(X509_get0_notBefore(cert)), time_of(X509_get0_notAfter(cert)),
      signer_id(cert), {}};
}

std::optional<model::Certificate> says_of_chain(std::string_view pems) {
  const auto chain = read_certs(pems);
  if (chain.empty()) return std::nullopt;
  auto first = says(chain.front().get());
  if (first && chain.size() > 1 && key_id(chain[1].get()) == first->issuer)
    first->cross_signed_by = signer_id(chain[1].get());
  return first;
}

std::string key_id(X509* root) { return hex_of(X509_get0_subject_key_id(root)); }
std::string signer_id(X509* cert) { return hex_of(X509_get0_authority_key_id(cert)); }

}  // namespace swarm::real::tls
