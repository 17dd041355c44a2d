// Roots that users give: those that nodes would refuse are refused at the door, with the reason.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>
#include <vector>

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/tls/openssl_crypto.hpp"
#include "real/tls/owned.hpp"
#include "real/tls/x509.hpp"

namespace swarm::real {
namespace {

using KeyPair = ports::Crypto::KeyPair;
using Extensions = std::vector<std::pair<int, std::string>>;

tls::Key ec_key(const char* curve, const char* encoding = "named_curve") {
  const tls::Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_group_name(context.get(), curve);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("encoding", const_cast<char*>(encoding), 0),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX_set_params(context.get(), params);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_generate(context.get(), &key);
  return tls::Key(key);
}

void add_extension(X509* cert, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const tls::Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  ASSERT_TRUE(extension) << value;
  X509_add_ext(cert, extension.get(), -1);
}

void add_unknown_critical(X509* cert) {
  const tls::Owned<ASN1_OBJECT, ASN1_OBJECT_free> kind(OBJ_txt2obj("1.2.3.4", 1));
  const tls::Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>("\x0c\x01x"), 3);
  const tls::Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, kind.get(), 1, value.get()));
  X509_add_ext(cert, extension.get(), -1);
}

// Of ten years, as `openssl req -x509` makes them.
KeyPair root_of(const tls::Key& key, const Extensions& more, const char* name = "mine",
                bool strange = false) {
  const tls::Cert cert(X509_new());
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 7);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 10L * 365 * 24 * 3600);
  X509_NAME* subject = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  X509_set_issuer_name(cert.get(), subject);
  X509_set_pubkey(cert.get(), key.get());
  add_extension(cert.get(), NID_subject_key_identifier, "hash");
  add_extension(cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  bool has_constraints = false;
  for (const auto& [kind, value] : more) {
    add_extension(cert.get(), kind, value);
    has_constraints |= kind == NID_basic_constraints;
  }
  if (!has_constraints) add_extension(cert.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (strange) add_unknown_critical(cert.get());
  X509_sign(cert.get(), key.get(), EVP_sha256());
  return {tls::to_pem(cert.get()), tls::to_pem(key.get())};
}

const Extensions kShort{{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"}};

class UsersRoot : public testing::Test {
 protected:
  std::string refusal(const KeyPair& root) {
    const auto read = crypto_.read_root(root.cert_pem, root.key_pem, wall_now());
    return read ? "" : read.error().message;
  }
  std::string refused_change(const KeyPair& from, const KeyPair& to) {
    const auto signed_by = crypto_.cross_sign(from, to.cert_pem);
    return signed_by ? "" : signed_by.error().message;
  }
  void expect_unbelievable(const KeyPair& root, const std::string& why) {
    const std::string text = refusal(root);
    EXPECT_TRUE(text.starts_with("the desired CA certificate cannot be a swarm's root: nodes would refuse"))
        << text;
    EXPECT_NE(text.find("(" + why + ")"), std::string::npos) << text;
    EXPECT_NE(text.find("Give one without"), std::string::npos) << text;
  }
  OpensslCrypto crypto_;
};

TEST_F(UsersRoot, OfAnOrdinaryKindIsTaken) {
  EXPECT_EQ(refusal(root_of(tls::make_key(), {})), "");
  EXPECT_EQ(refusal(root_of(ec_key("P-384"), {})), "");
  EXPECT_EQ(refusal(root_of(ec_key("P-521"), {})), "");
  EXPECT_EQ(refusal(root_of(tls::Key(EVP_RSA_gen(2048)), {})), "");
  EXPECT_EQ(refusal(root_of(tls::make_key(), {{NID_basic_constraints, "critical,CA:TRUE,pathlen:2"}})), "");
}

TEST_F(UsersRoot, ThatNodesWouldRefuseIsRefusedWithTheReason) {
  expect_unbelievable(root_of(ec_key("prime192v1"), {}), "ca key too small");
  expect_unbelievable(root_of(ec_key("P-256", "explicit"), {}),
                      "Certificate public key has explicit ECC parameters");
  expect_unbelievable(
      root_of(tls::make_key(), {{NID_name_constraints, "critical,permitted;DNS:example.com"}}),
      "permitted subtree violation");
  expect_unbelievable(root_of(tls::make_key(), {{NID_ext_key_usage, "clientAuth"}}),
                      "unsuitable certificate purpose");
  expect_unbelievable(root_of(tls::make_key(), {{NID_ext_key_usage, "serverAuth"}}),
                      "unsuitable certificate purpose");
  expect_unbelievable(root_of(tls::make_key(), {}, "mine", true), "unhandled critical extension");
}

TEST_F(UsersRoot, ThatNoOtherRootCouldFollowIsRefused) {
  EXPECT_TRUE(refusal(root_of(tls::make_key(), kShort))
                  .starts_with("the desired CA certificate limits the length of chains (pathlen:0)"));
  EXPECT_TRUE(refusal(root_of(tls::make_key(), {{NID_basic_constraints, "critical,CA:TRUE,pathlen:1"}}))
                  .starts_with("the desired CA certificate limits the length of chains (pathlen:1)"));
}

// A swarm of an older version may have such a root.
TEST_F(UsersRoot, OfAShortPathLeadsOnlyToTheSameRootWithoutIt) {
  const tls::Key key = tls::make_key();
  const KeyPair present = root_of(key, kShort);
  const KeyPair next = root_of(tls::make_key(), {}, "next");
  const std::string text = refused_change(present, next);
  EXPECT_TRUE(text.starts_with("the swarm cannot go from its present root to another one")) << text;
  EXPECT_NE(text.find("path length constraint exceeded"), std::string::npos) << text;
  const KeyPair same_without = root_of(key, {});
  EXPECT_EQ(refused_change(present, same_without), "");
  EXPECT_EQ(refused_change(same_without, next), "");
}

TEST_F(UsersRoot, ThatNodesRefuseAlreadyHoldsNobodyBack) {
  EXPECT_EQ(refused_change(root_of(ec_key("prime192v1"), {}), root_of(tls::make_key(), {}, "next")), "");
}

}  // namespace
}  // namespace swarm::real
