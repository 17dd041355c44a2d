// X.509: certificates and keys of a swarm as PEM text, by OpenSSL. P-256 everywhere. NOT here: what a
// certificate is to say (ca/), connections (tls_stream).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/certificate.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real::tls {

Key make_key();
std::string to_pem(EVP_PKEY* key);
std::string to_pem(X509* cert);

// Null, or as many as could be read: the text is not one.
Cert read_cert(std::string_view pem);
Key read_key(std::string_view pem);
std::vector<Cert> read_certs(std::string_view pem);

// A self-signed root: CN swarm-ca, 20 years. `serial`: 20 random bytes.
Cert make_root(EVP_PKEY* key, WallTime now, std::string serial);
// A request (PKCS #10) that holds the public key and proves the private one. Its names mean nothing.
std::string make_request_pem(EVP_PKEY* key);
// Signs what `says` says for the public key of the request, and for nothing else of it.
Result<std::string> issue(std::string_view root_pem, std::string_view root_key_pem,
                          std::string_view request_pem, const model::Certificate& says, std::string serial);

// A root that a user gives. An error in a sentence when it cannot be a swarm's: Docker's texts where it has
// them (swarmkit ca/certificates.go, controlapi/ca_rotation.go).
struct Root {
  Cert cert;
  Key key;
};
Result<Root> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime now);
// The other root's names and key, signed by this root for as long as both last.
Result<std::string> cross_sign(std::string_view root_pem, std::string_view root_key_pem,
                               std::string_view other_root_pem, std::string serial);

// Returns true if both have the same name and the same key: nodes that believe one believe the other's
// certificates.
bool is_same_authority(std::string_view one_pem, std::string_view other_pem);

// What the first certificate says, and, if a cross-signed one follows it, by which root that is signed.
std::optional<model::Certificate> says_of_chain(std::string_view pems);
// What the certificate of a node says; nothing when it is none.
std::optional<model::Certificate> says(X509* cert);
// The root's key identifier, in hexadecimal digits; "" when it has none.
std::string key_id(X509* root);
// The key identifier of the root that signed it; "" when it says none.
std::string signer_id(X509* cert);

}  // namespace swarm::real::tls
